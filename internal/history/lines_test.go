package history

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWrite(t *testing.T) {
	ops := []Op{
		{Process: 3, Client: "c3", Node: "n1", MsgID: 7, F: "echo", Value: []byte(`"\ud800"`), Result: []byte(`"\ud800"`),
			Outcome: OK, From: time.Millisecond, To: 3 * time.Millisecond},
		{Process: 4, Client: "c4", Node: "n2", F: "read", Outcome: Fail, Code: 11, Error: "busy", From: 1, To: 2, Final: true},
		{Process: 5, F: "write", Key: 9, Value: []byte("{\"a\":\n 1e400}"), From: 5},
		{Process: 5, Client: "c5", Node: "n2", F: "echo", Outcome: OK, Result: jsontext.Value(`"late"`), From: 1, To: 7, GaveUp: 2},
		{Process: 5, Client: "c5", Node: "n2", F: "echo", Outcome: OK, Result: jsontext.Value(`"again"`), From: 1, To: 9, Again: true},
	}
	var b bytes.Buffer
	if err := Write(&b, Of(ops...)); err != nil {
		t.Fatal(err)
	}
	want := `{"process":3,"client":"c3","node":"n1","msg_id":7,"type":"ok","f":"echo","key":0,"value":"\ud800","result":"\ud800","from":1000000,"to":3000000}
{"process":4,"client":"c4","node":"n2","msg_id":0,"type":"fail","f":"read","key":0,"error":"busy","code":11,"from":1,"to":2,"final":true}
{"process":5,"msg_id":0,"type":"open","f":"write","key":9,"value":{"a":  1e400},"from":5,"to":0}
{"process":5,"client":"c5","node":"n2","msg_id":0,"type":"ok","f":"echo","key":0,"result":"late","from":1,"to":7,"gave_up":2}
{"process":5,"client":"c5","node":"n2","msg_id":0,"type":"ok","f":"echo","key":0,"result":"again","from":1,"to":9,"again":true}
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	ops[2].Value = []byte(`{"a":  1e400}`)
	if diff := cmp.Diff(ops, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"{}\n{\"type\":\"maybe\"}":   "line 2",
		"\n\nnot JSON\n":             "line 3",
		`{"type":"ok","from":"now"}`: "line 1",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestWriteRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Op {
			return Op{
				Process: rapid.Int().Draw(t, "process"), F: rapid.String().Draw(t, "f"),
				Error: rapid.String().Draw(t, "error"), Outcome: Outcome(rapid.IntRange(0, 3).Draw(t, "outcome")),
				From: time.Duration(rapid.Int64().Draw(t, "from")), MsgID: rapid.Int64().Draw(t, "id"),
			}
		}), 1, 5).Draw(t, "ops")
		var b bytes.Buffer
		if err := Write(&b, Of(ops...)); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ops, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

package message

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte(`{"id":1, "src":"n1", "dest":"c1", "body": {"x":1,"type":"a","msg_id":0,"in_reply_to":7, "x":2}} `))
	want := Message{Src: "n1", Dest: "c1", Body: []byte(`{"x":1,"type":"a","msg_id":0,"in_reply_to":7, "x":2}`), Type: "a", ID: 0, InReplyTo: 7}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// A lone surrogate's escape stays as it is; a type may be written with escapes.
func TestParseEscapes(t *testing.T) {
	got, err := Parse([]byte(`{"src":"n1","dest":"c1","body":{"ty\u0070e":"\u0061","x":"\ud800"}}`))
	if err != nil || got.Type != "a" || string(got.Body) != `{"ty\u0070e":"\u0061","x":"\ud800"}` {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseInvalid(t *testing.T) {
	for line, want := range map[string]string{
		``:     "not JSON",
		`  `:   "not JSON",
		`oops`: "not JSON",
		`{`:    "not JSON",
		`[]`:   "not a JSON object",
		`7`:    "not a JSON object",
		`{"src":"a","dest":"b","body":{"type":"t"}} x`:                     "more follows after the object",
		`{"src":"a","dest":"b","body":{"type":"t"`:                         "not JSON",
		"{\"src\":\"\xff\",\"dest\":\"b\",\"body\":{}}":                    "not JSON",
		`{"dest":"b","body":{"type":"t"}}`:                                 "src is missing",
		`{"src":"a","body":{"type":"t"}}`:                                  "dest is missing",
		`{"src":"a","dest":"b"}`:                                           "body is missing",
		`{"src":"a","dest":"b","body":[]}`:                                 "body is not an object",
		`{"src":"a","dest":"b","body":{}}`:                                 "body.type is missing",
		`{"src":"a","dest":"b","body":{"type":3}}`:                         "body.type is not a string",
		`{"src":"a","dest":"b","body":{"type":"t","x":"` + "\xff" + `"}}`:  "not JSON",
		`{"src":1,"dest":"b","body":{"type":"t"}}`:                         "src is not a string",
		`{"src":null,"dest":"b","body":{"type":"t"}}`:                      "src is not a string",
		`{"src":"","dest":"b","body":{"type":"t"}}`:                        "src is empty",
		`{"src":"a","src":"a","dest":"b","body":{"type":"t"}}`:             "src is given twice",
		`{"src":"a","dest":"b","body":{"type":"t","msg_id":1.0}}`:          "body.msg_id is not an integer",
		`{"src":"a","dest":"b","body":{"type":"t","msg_id":"1"}}`:          "body.msg_id is not an integer",
		`{"src":"a","dest":"b","body":{"type":"t","in_reply_to":-1}}`:      "body.in_reply_to is not an integer",
		`{"src":"a","dest":"b","body":{"type":"t","msg_id":1,"msg_id":1}}`: "body.msg_id is given twice",
	} {
		if _, err := Parse([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", line, err, want)
		}
	}
}

// The envelope may have further fields. An integer with the name id is one that Maelstrom
// accepts.
func TestFurtherFields(t *testing.T) {
	for line, want := range map[string]string{
		`{"src":"a","dest":"b","body":{"type":"t"}}`:                          "",
		`{"id":-17,"src":"a","dest":"b","body":{"type":"t"}}`:                 "",
		`{"id":"x","src":"a","dest":"b","body":{"type":"t"}}`:                 `"id"`,
		`{"src":"a","trace":{"src":1},"at":7,"dest":"b","body":{"type":"t"}}`: `"trace"`,
	} {
		m, flaws, err := ParseAny([]byte(line))
		if err != nil || m.Src != "a" || m.Type != "t" {
			t.Errorf("%s: %+v, %v", line, m, err)
		}
		got := ""
		for _, f := range flaws {
			if f.Kind == Further {
				got += f.Field
			}
		}
		if got != want {
			t.Errorf("%s: the further fields are %s, want %s", line, got, want)
		}
		if _, err := Parse([]byte(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// ParseAny reads messages whose bodies are not those of the protocol. Parse refuses
// them, unless only an id is null.
func TestParseAny(t *testing.T) {
	for _, tt := range []struct {
		body   string
		want   Message // without its src, dest and body
		flaws  []Flaw
		parses bool
	}{
		{`{"type":"t","msg_id":3}`, Message{Type: "t", ID: 3, InReplyTo: None}, nil, true},
		{`{"x":1}`, Message{ID: None, InReplyTo: None}, []Flaw{{"type", Wrong, "body.type is missing"}}, false},
		{`{"type":3,"msg_id":4}`, Message{ID: 4, InReplyTo: None}, []Flaw{{"type", Wrong, "body.type is not a string"}}, false},
		{`{"type":"t","msg_id":null,"in_reply_to":null}`, Message{Type: "t", ID: None, InReplyTo: None}, []Flaw{
			{"msg_id", Null, "body.msg_id is not an integer from 0 to 2^63-1"},
			{"in_reply_to", Null, "body.in_reply_to is not an integer from 0 to 2^63-1"}}, true},
		{`{"type":"t","in_reply_to":1,"in_reply_to":null}`, Message{Type: "t", ID: None, InReplyTo: None},
			[]Flaw{{"in_reply_to", Wrong, "body.in_reply_to is given twice"}}, false},
		{`{"type":"t","msg_id":9223372036854775808}`, Message{Type: "t", ID: None, InReplyTo: None},
			[]Flaw{{"msg_id", Large, "body.msg_id is not an integer from 0 to 2^63-1"}}, false},
		{`{"type":"t","msg_id":-1}`, Message{Type: "t", ID: None, InReplyTo: None},
			[]Flaw{{"msg_id", Wrong, "body.msg_id is not an integer from 0 to 2^63-1"}}, false},
	} {
		line := []byte(`{"src":"a","dest":"b","body":` + tt.body + `}`)
		tt.want.Src, tt.want.Dest, tt.want.Body = "a", "b", []byte(tt.body)
		got, flaws, err := ParseAny(line)
		if diff := cmp.Diff(tt.want, got) + cmp.Diff(tt.flaws, flaws); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", tt.body, err, diff)
		}
		if _, err := Parse(line); (err == nil) != tt.parses {
			t.Errorf("%s: Parse returned %v", tt.body, err)
		}
	}
	m, flaws, err := ParseAny([]byte(`{"src":null,"dest":"b","body":{"type":"t"}}`))
	if m.Src != "" || len(flaws) != 1 || flaws[0].Field != "src" || flaws[0].Kind != Null || err != nil {
		t.Errorf("%+v, %v, %v", m, flaws, err)
	}
}

func BenchmarkParse(b *testing.B) {
	line := []byte(`{"src": "n1", "dest": "c1", "body": {"type": "echo_ok", "echo": "hello", "in_reply_to": 2, "msg_id": 1}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(line); err != nil {
			b.Fatal(err)
		}
	}
}

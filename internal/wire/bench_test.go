package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// echoLine is a small request.
const echoLine = `{"id":7,"src":"c1","dest":"n1","body":{"echo":"Please echo 42","type":"echo","msg_id":2}}`

// relayLine is a request to pass on a small message.
const relayLine = `{"id":8,"src":"c1","dest":"n1","body":{"type":"relay","target":"n2","payload":{"type":"echo","echo":"Please echo 42"},"msg_id":3}}`

// mixedLines returns lines whose names, types, ids and lengths differ, so that the
// processor cannot predict all branches.
func mixedLines() (lines [][]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	types := []string{"echo", "echo_ok", "read", "write_ok", "relay"}
	for range 1 << 10 {
		lines = append(lines, fmt.Appendf(nil, `{"id":%d,"src":"c%d","dest":"n%d","body":{"type":%q,"echo":%q,"msg_id":%d}}`,
			random.IntN(1e6), random.IntN(120), random.IntN(12), types[random.IntN(len(types))],
			strings.Repeat("Please echo ", 4)[:random.IntN(40)], random.IntN(1e6)))
	}
	return lines
}

// BenchmarkScan reads small messages. For comparison jsontext and encoding/json read
// echoLine too, but encoding/json accepts invalid UTF-8 and keys that are given twice.
func BenchmarkScan(b *testing.B) {
	for _, bb := range []struct {
		name  string
		lines [][]byte
	}{
		{"eddy", [][]byte{[]byte(echoLine)}},
		{"spaced", [][]byte{[]byte(`{"id": 7, "src": "c1", "dest": "n1", "body": {"echo": "Please echo 42", "type": "echo", "msg_id": 2}}`)}},
		{"relay", [][]byte{[]byte(relayLine)}},
		{"reply", [][]byte{[]byte(`{"src":"n2","dest":"n1","body":{"type":"echo_ok","echo":"Please echo 42","in_reply_to":8,"msg_id":3}}`)}},
		{"mixed", mixedLines()},
		{"long", [][]byte{[]byte(`{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":2,"echo":"` + strings.Repeat("x", 100_000) + `"}}`)}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			var m Message
			for i := 0; b.Loop(); i++ {
				if i == len(bb.lines) {
					i = 0
				}
				if err := m.Scan(bb.lines[i]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("jsontext", scanByJSONText)
	b.Run("encoding-json", scanByEncodingJSON)
}

func scanByJSONText(b *testing.B) {
	b.ReportAllocs()
	line := []byte(echoLine)
	r := bytes.NewReader(nil)
	d := jsontext.NewDecoder(r)
	for b.Loop() {
		r.Reset(line)
		d.Reset(r)
		n := 0
		for ; ; n++ {
			if _, err := d.ReadToken(); err != nil {
				break
			}
		}
		if n != 17 {
			b.Fatal(n)
		}
	}
}

func scanByEncodingJSON(b *testing.B) {
	b.ReportAllocs()
	line := []byte(echoLine)
	for b.Loop() {
		var m struct {
			Src, Dest string
			Body      json.RawMessage
		}
		var body struct {
			Type      string `json:"type"`
			MsgID     int64  `json:"msg_id"`
			InReplyTo int64  `json:"in_reply_to"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			b.Fatal(err)
		}
		if err := json.Unmarshal(m.Body, &body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend writes the reply to a small echo. For comparison encoding/json writes
// it from a map, as the official library does.
func BenchmarkAppend(b *testing.B) {
	var m Message
	if err := m.Scan([]byte(echoLine)); err != nil {
		b.Fatal(err)
	}
	out := make([]byte, 0, 1000)
	for _, bb := range []struct {
		name string
		d    Dialect
	}{{"compact", Dialect{}}, {"spaced", Dialect{Spaced: true}}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				out = bb.d.AppendHead(out[:0], "n1", "c1")
				out = bb.d.AppendFields(out, "echo_ok", m.Raw, &m.Body)
				out = bb.d.AppendTail(out, 2, 1)
			}
		})
	}
	b.Run("jsontext", appendByJSONText)
	b.Run("encoding-json", appendByEncodingJSON)
}

func appendByJSONText(b *testing.B) {
	b.ReportAllocs()
	var buf bytes.Buffer
	e := jsontext.NewEncoder(&buf)
	for b.Loop() {
		buf.Reset()
		e.Reset(&buf)
		for _, token := range []jsontext.Token{
			jsontext.BeginObject,
			jsontext.String("src"), jsontext.String("n1"), jsontext.String("dest"), jsontext.String("c1"),
			jsontext.String("body"), jsontext.BeginObject,
			jsontext.String("type"), jsontext.String("echo_ok"), jsontext.String("echo"), jsontext.String("Please echo 42"),
			jsontext.String("in_reply_to"), jsontext.Int(2), jsontext.String("msg_id"), jsontext.Int(1),
			jsontext.EndObject, jsontext.EndObject,
		} {
			if err := e.WriteToken(token); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func appendByEncodingJSON(b *testing.B) {
	b.ReportAllocs()
	body := map[string]any{"type": "echo", "msg_id": 2, "echo": "Please echo 42"}
	for b.Loop() {
		reply := maps.Clone(body)
		reply["type"], reply["in_reply_to"], reply["msg_id"] = "echo_ok", 2, 1
		raw, err := json.Marshal(reply)
		if err != nil {
			b.Fatal(err)
		}
		if _, err = json.Marshal(struct {
			Src  string          `json:"src"`
			Dest string          `json:"dest"`
			Body json.RawMessage `json:"body"`
		}{"n1", "c1", raw}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendFields writes the own fields of a relay that came with or without
// blanks.
func BenchmarkAppendFields(b *testing.B) {
	var m Message
	if err := m.Scan([]byte(relayLine)); err != nil {
		b.Fatal(err)
	}
	var spaced Body
	spacedText, err := spaced.Read(Dialect{Spaced: true}.AppendValue(nil, m.Raw))
	if err != nil {
		b.Fatal(err)
	}
	out := make([]byte, 0, 1000)
	for _, bb := range []struct {
		name string
		d    Dialect
		text []byte
		body *Body
	}{
		{"compact", Dialect{}, m.Raw, &m.Body},
		{"spaced", Dialect{Spaced: true}, m.Raw, &m.Body},
		{"spaced-already", Dialect{Spaced: true}, spacedText, &spaced},
		{"compact-from-spaced", Dialect{}, spacedText, &spaced},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				out = bb.d.AppendFields(out[:0], "", bb.text, bb.body)
			}
		})
	}
}

// BenchmarkMembers reads the members of the body of a relay.
func BenchmarkMembers(b *testing.B) {
	var m Message
	if err := m.Scan([]byte(relayLine)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		for range Members(m.Raw) {
			n++
		}
		if n != 4 {
			b.Fatal(n)
		}
	}
}

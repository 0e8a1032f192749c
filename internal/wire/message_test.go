package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// echoLine is a small message as it comes in by the hundred thousand.
const echoLine = `{"id":7,"src":"c1","dest":"n1","body":{"echo":"Please echo 42","type":"echo","msg_id":2}}`

// relayLine is a request to pass a small message on.
const relayLine = `{"id":8,"src":"c1","dest":"n1","body":{"type":"relay","target":"n2","payload":{"type":"echo","echo":"Please echo 42"},"msg_id":3}}`

func TestScanMessage(t *testing.T) {
	for _, tt := range []struct {
		line            string
		src, dest, typ  string
		body            string
		id, inReplyTo   int64
		blanksInTheBody bool
	}{
		{line: echoLine,
			src: "c1", dest: "n1", typ: "echo", id: 2, inReplyTo: NoID,
			body: `{"echo":"Please echo 42","type":"echo","msg_id":2}`},
		{line: `{"id":7,"body":{"type":"t"},"dest":"n1","more":[{}],"src":"c1"}`,
			src: "c1", dest: "n1", typ: "t", id: NoID, inReplyTo: NoID, body: `{"type":"t"}`},
		{line: "\t\r\n {  \"src\" : \"c1\" , \"dest\":\"n1\",\"body\" : {\"type\":\"t\"} } \r\n",
			src: "c1", dest: "n1", typ: "t", id: NoID, inReplyTo: NoID, body: `{"type":"t"}`},
		{line: `{"src":"c1","dest":"n1","body":{"type":"t", "in_reply_to":0,"msg_id":9223372036854775807}}`,
			src: "c1", dest: "n1", typ: "t", id: 1<<63 - 1, inReplyTo: 0, blanksInTheBody: true,
			body: `{"type":"t", "in_reply_to":0,"msg_id":9223372036854775807}`},
		{line: `{"\u0073rc":"\u00e9\"","dest":"n\/1","bod\u0079":{"t\u0079pe":"\ud83d\ude00","msg\u005fid":0,"in\u005freply_to":3}}`,
			src: "é\"", dest: "n/1", typ: "😀", id: 0, inReplyTo: 3,
			body: `{"t\u0079pe":"\ud83d\ude00","msg\u005fid":0,"in\u005freply_to":3}`},
		{line: `{"src":"c1","dest":"n1","body":{"type":"","a":{"type":1,"msg_id":"x"},"a":[1.0,-0,1e400],"":null,"\"type":2}}`,
			src: "c1", dest: "n1", typ: "", id: NoID, inReplyTo: NoID,
			body: `{"type":"","a":{"type":1,"msg_id":"x"},"a":[1.0,-0,1e400],"":null,"\"type":2}`},
		{line: `{"src":"c1","dest":"n1","x":true,"x":false,"x":null,"body":{"type":"\ud800"}}`,
			src: "c1", dest: "n1", typ: "\ufffd", id: NoID, inReplyTo: NoID, body: `{"type":"\ud800"}`},
		{line: `{"src":"\t","dest":"日本","body":{"type":"t","d":` + nested(998) + `}}`,
			src: "\t", dest: "日本", typ: "t", id: NoID, inReplyTo: NoID, body: `{"type":"t","d":` + nested(998) + `}`},
	} {
		var m Message
		m.Src, m.Body.ID, m.Body.count = []byte("old"), 77, 3 // Scan starts anew
		if err := m.Scan([]byte(tt.line)); err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		if string(m.Src) != tt.src || string(m.Dest) != tt.dest || string(m.Body.Type) != tt.typ {
			t.Errorf("%s: from %q to %q, type %q", tt.line, m.Src, m.Dest, m.Body.Type)
		}
		if m.Body.ID != tt.id || m.Body.InReplyTo != tt.inReplyTo {
			t.Errorf("%s: msg_id %d, in_reply_to %d", tt.line, m.Body.ID, m.Body.InReplyTo)
		}
		if string(m.Body.Raw) != tt.body || m.Body.blanks != tt.blanksInTheBody {
			t.Errorf("%s: body %s, blanks %v", tt.line, m.Body.Raw, m.Body.blanks)
		}
	}
}

// nested is n arrays, one in another.
func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// Each line is a message but for one fault. A ‸ stands before the byte at fault;
// without one the fault is not at one place.
var faults = []struct{ line, reason string }{
	{`‸`, "not JSON: unexpected end of the line"},
	{" \t‸", "not JSON: unexpected end of the line"},
	{`‸x`, "not JSON: no JSON value begins like this"},
	{"‸\x00", "not JSON: no JSON value begins like this"},
	{"‸\xef\xbb\xbf{}", "not JSON: no JSON value begins like this"},
	{"‸\v{}", "not JSON: no JSON value begins like this"},
	{`nul‸`, "not JSON: expected null"},
	{`tru‸x`, "not JSON: expected true"},
	{`f‸`, "not JSON: expected false"},
	{`[1‸`, "not JSON: expected ',' or ']' behind an element"},
	{`[1 ‸2]`, "not JSON: expected ',' or ']' behind an element"},
	{`[1,‸]`, "not JSON: no JSON value begins like this"},
	{`[{"a":1‸]`, "not JSON: expected ',' or '}' behind a member"},
	{`-‸`, "not JSON: expected a digit"},
	{`-‸x`, "not JSON: expected a digit"},
	{`1.‸`, "not JSON: expected a digit"},
	{`1.5e‸`, "not JSON: expected a digit"},
	{`1E+‸}`, "not JSON: expected a digit"},
	{`"abc‸`, "not JSON: unexpected end of the line in a string"},
	{nested(1000)[:1000] + `‸[`, "not JSON: nested deeper than 1,000"},
	{nested(1000)[:1000] + `‸{}`, "not JSON: nested deeper than 1,000"},

	{`null`, "not a JSON object"},
	{`[{}]`, "not a JSON object"},
	{`"src"`, "not a JSON object"},
	{` -1.5e-3`, "not a JSON object"},
	{`true`, "not a JSON object"},
	{nested(1000), "not a JSON object"},
	{`"src"‸:"c1"}`, "not JSON: something follows the value"},
	{`1 ‸2`, "not JSON: something follows the value"},
	{`0‸1`, "not JSON: something follows the value"},

	{`{‸`, "not JSON: expected a member's name in quotes"},
	{`{‸src:"c1"}`, "not JSON: expected a member's name in quotes"},
	{`{‸,}`, "not JSON: expected a member's name in quotes"},
	{`{"src‸`, "not JSON: unexpected end of the line in a string"},
	{`{"src"‸`, "not JSON: expected ':' behind a member's name"},
	{`{"src" ‸"c1"}`, "not JSON: expected ':' behind a member's name"},
	{`{"src":‸`, "not JSON: unexpected end of the line"},
	{`{"src":‸}`, "not JSON: no JSON value begins like this"},
	{`{"dest":‸}`, "not JSON: no JSON value begins like this"},
	{`{"body":‸}`, "not JSON: no JSON value begins like this"},
	{`{"x":‸'a'}`, "not JSON: no JSON value begins like this"},
	{`{"src":"c1"‸`, "not JSON: expected ',' or '}' behind a member"},
	{`{"src":"c1" ‸"dest":"n1"}`, "not JSON: expected ',' or '}' behind a member"},
	{`{"src":"c1",‸}`, "not JSON: expected a member's name in quotes"},
	{`{"src":"c1‸` + "\n" + `"}`, "not JSON: control character in a string"},
	{`{"src":"c1 long enough to be read by words‸` + "\x1f" + `"}`, "not JSON: control character in a string"},
	{`{"src":"‸` + "\x00" + `12345678"}`, "not JSON: control character in a string"},
	{`{"src":"‸\x"}`, "not JSON: no such escape in a string"},
	{`{"src":"‸\u12g4"}`, "not JSON: no such escape in a string"},
	{`{"src":"‸\u123`, "not JSON: no such escape in a string"},
	{`{"src":"‸\`, "not JSON: no such escape in a string"},
	{`{"src":"‸` + "\xff" + `"}`, "not JSON: invalid UTF-8"},
	{`{"src":"‸` + "\xed\xa0\x80" + `"}`, "not JSON: invalid UTF-8"}, // a surrogate
	{`{"src":"‸` + "\xc0\x80" + `"}`, "not JSON: invalid UTF-8"},     // overlong
	{`{"src":"é‸` + "\xc3", "not JSON: invalid UTF-8"},
	{`{"x‸` + "\xc3" + `":1}`, "not JSON: invalid UTF-8"},
	{`{"x":0‸1}`, "not JSON: expected ',' or '}' behind a member"},
	{`{"x":‸+1}`, "not JSON: no JSON value begins like this"},
	{`{"x":‸.5}`, "not JSON: no JSON value begins like this"},
	{`{"x":‸NaN}`, "not JSON: no JSON value begins like this"},
	{`{"body":{‸`, "not JSON: expected a member's name in quotes"},
	{`{"body":{‸1:2}}`, "not JSON: expected a member's name in quotes"},
	{`{"body":{"type":‸}}`, "not JSON: no JSON value begins like this"},
	{`{"body":{"type":"t"‸`, "not JSON: expected ',' or '}' behind a member"},
	{`{"body":{"type":"t"}‸`, "not JSON: expected ',' or '}' behind a member"},
	{`{"body":{"d":` + nested(998)[:998] + `‸[`, "not JSON: nested deeper than 1,000"},
	{echoLine + `‸}`, "not JSON: something follows the object"},
	{echoLine + ` ‸{}`, "not JSON: something follows the object"},
	{`{}‸,`, "not JSON: something follows the object"},

	// A fault in the syntax outweighs the others, wherever it stands.
	{`{"src":1,"src":2,"body":[],"body":{"type":3}‸`, "not JSON: expected ',' or '}' behind a member"},
	{`{"src":1}‸!`, "not JSON: something follows the object"},

	{`{}`, "src is missing"},
	{`{"dest":"n1","body":{"type":"t"}}`, "src is missing"},
	{`{"src":"c1","body":{"type":"t"}}`, "dest is missing"},
	{`{"src":"c1","dest":"n1"}`, "body is missing"},
	{`{"src":"c1","dest":"n1","body":{}}`, "body.type is missing"},
	{`{"src":"c1","dest":"n1","body":{ }}`, "body.type is missing"},
	{`{"src":"c1","dest":"n1","body":{"Type":"t"}}`, "body.type is missing"},
	{`{"src":"","dest":"n1","body":{"type":"t"}}`, "src is empty"},
	{`{"src":"c1","dest":"","body":{"type":"t"}}`, "dest is empty"},
	{`{"src":1,"dest":"n1","body":{"type":"t"}}`, "src must be a string"},
	{`{"src":null,"dest":"n1","body":{"type":"t"}}`, "src must be a string"},
	{`{"src":"c1","dest":["n1"],"body":{"type":"t"}}`, "dest must be a string"},
	{`{"src":"c1","dest":"n1","body":"t"}`, "body must be an object"},
	{`{"src":"c1","dest":"n1","body":null}`, "body must be an object"},
	{`{"src":"c1","dest":"n1","body":[{"type":"t"}]}`, "body must be an object"},
	{`{"src":"c1","dest":"n1","body":{"type":true}}`, "body.type must be a string"},
	{`{"src":"c1","src":"c1","dest":"n1","body":{"type":"t"}}`, "src is given twice"},
	{`{"src":"","src":"c1","dest":"n1","body":{"type":"t"}}`, "src is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t"},"d\u0065st":"n2"}`, "dest is given twice"},
	{`{"src":"c1","dest":"n1","body":{},"body":{"type":"t"}}`, "body is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t"},"body":{"type":1}}`, "body is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t"},"body":1}`, "body must be an object"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","t\u0079pe":"t"}}`, "body.type is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":0,"msg_id":0}}`, "body.msg_id is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","in_reply_to":0,"in_reply_to":1}}`, "body.in_reply_to is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":1,"msg_id":1,"msg_id":1,"msg_id":1}}`, "body.msg_id is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":-1}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":-0}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":1.0}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":1e3}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":"1"}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":null}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":9223372036854775808}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","in_reply_to":{}}}`, badID("in_reply_to")},

	// Of several such faults the first is told.
	{`{"src":1,"dest":2,"body":3}`, "src must be a string"},
	{`{"body":{"msg_id":"x","type":1},"src":1}`, badID("msg_id")},
	{`{"dest":1}`, "dest must be a string"},
}

func badID(name string) string {
	return "body." + name + " must be an integer from 0 to 9223372036854775807"
}

func TestScanMessageFaults(t *testing.T) {
	for _, tt := range faults {
		line, want := tt.line, &Error{tt.reason, -1}
		if at := strings.Index(tt.line, "‸"); at >= 0 {
			line, want.Offset = strings.Replace(tt.line, "‸", "", 1), at
		}
		var m Message
		err := m.Scan([]byte(line))
		var got *Error
		if !errors.As(err, &got) || *got != *want {
			t.Errorf("%.100q:\ngot  %v\nwant %v", line, err, want)
		}
	}
}

func TestErrorText(t *testing.T) {
	if got := (&Error{"not JSON: invalid UTF-8", 0}).Error(); got != "not JSON: invalid UTF-8 at byte 0" {
		t.Error(got)
	}
	if got := (&Error{"src is missing", -1}).Error(); got != "src is missing" {
		t.Error(got)
	}
}

// A line that ends anywhere or has one byte changed to anything is either a
// message or refused, and never read past its end.
func TestScanMessageCutOrChanged(t *testing.T) {
	line := []byte(`{"src": "c1","dest":"né","body":{"t\u0079pe":"echo","msg_id":21,"a":[true,null,-1.5e3,"\\"]}}`)
	var m Message
	for end := range line {
		if err := m.Scan(line[:end:end]); err == nil {
			t.Errorf("%s is taken for a message", line[:end])
		}
	}
	for i := range line {
		for b := range byte(0x80) {
			changed := bytes.Clone(line)
			changed[i] = b
			against(t, changed)
			changed[i] |= 0x80
			if err := m.Scan(changed); err == nil && !utf8.Valid(changed) {
				t.Errorf("%q is taken for a message", changed)
			}
		}
	}
}

func TestScanBody(t *testing.T) {
	for _, tt := range []struct {
		raw, typ      string
		id, inReplyTo int64
		wrong         string
		offset        int
		body          string // raw without blanks around it, if it is not set
	}{
		{raw: `{"type":"read","msg_id":4,"in_reply_to":5}`, typ: "read", id: 4, inReplyTo: 5},
		{raw: " {\"a\":1}\r\n", id: NoID, inReplyTo: NoID},
		{raw: `{}`, id: NoID, inReplyTo: NoID},
		{raw: `{"d":` + nested(998) + `}`, id: NoID, inReplyTo: NoID},
		{raw: ``, wrong: "a body must be a JSON object", offset: -1},
		{raw: `null`, wrong: "a body must be a JSON object", offset: -1},
		{raw: `[}`, wrong: "a body must be a JSON object", offset: -1},
		{raw: `{"type":1}`, wrong: "body.type must be a string", offset: -1},
		{raw: `{"type":"a","type":"a"}`, wrong: "body.type is given twice", offset: -1},
		{raw: `{"a":}`, wrong: "not JSON: no JSON value begins like this", offset: 5},
		{raw: `{"a"}`, wrong: "not JSON: expected ':' behind a member's name", offset: 4},
		{raw: `{} {}`, wrong: "not JSON: something follows the object", offset: 3},
		// Own ids will be replaced, whatever they are.
		{raw: ` {"msg_id":"abc", "a":{"msg_id":1}, "in_reply_to":null,"type":"read","m\u0073g_id":-1, "in_reply_to":1.0 }`,
			typ: "read", id: NoID, inReplyTo: NoID, body: `{"a":{"msg_id":1},"type":"read"}`},
		{raw: `{"msg_id":1,"msg_id":2}`, id: NoID, inReplyTo: NoID, body: `{}`},
		{raw: `{"msg_id":1.5,"type":1}`, wrong: "body.type must be a string", offset: -1},
		// A body stands one level deep in its message.
		{raw: `{"d":` + nested(999) + `}`, wrong: "not JSON: nested deeper than 1,000", offset: 5 + 998},
	} {
		b, err := ReadBody([]byte(tt.raw))
		if tt.wrong != "" {
			var got *Error
			if !errors.As(err, &got) || *got != (Error{tt.wrong, tt.offset}) {
				t.Errorf("%.60s: %v", tt.raw, err)
			}
			continue
		}
		if err != nil || string(b.Type) != tt.typ || (b.Type == nil) != (tt.typ == "") {
			t.Errorf("%.60s: type %q, error %v", tt.raw, b.Type, err)
		}
		want := cmp.Or(tt.body, strings.TrimSpace(tt.raw))
		if b.ID != tt.id || b.InReplyTo != tt.inReplyTo || string(b.Raw) != want {
			t.Errorf("%.60s: msg_id %d, in_reply_to %d, %.60s", tt.raw, b.ID, b.InReplyTo, b.Raw)
		}
	}
}

func TestScanAllocatesNothing(t *testing.T) {
	line := []byte(echoLine)
	var m Message
	if n := testing.AllocsPerRun(100, func() { m.Scan(line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzScanAgainstJSONText compares Scan with a naive reader of messages on top of
// jsontext, which checks JSON by a stricter RFC (7493, I-JSON).
func FuzzScanAgainstJSONText(f *testing.F) {
	for _, tt := range faults {
		f.Add([]byte(strings.Replace(tt.line, "‸", "", 1)))
	}
	f.Add([]byte(echoLine))
	f.Add([]byte(`{"src": "c1","dest":"né","body":{"t\u0079pe":"echo","msg_id":21,"a":[true,null,-1.5e3,"\\"]}}`))
	f.Add([]byte(`{"src":"c1","dest":"n1","body":{"type":"\ud83d\ude00\ud800","a":1,"a":2,"in_reply_to":0}}`))
	f.Add([]byte(nested(1000)))
	f.Add([]byte(nested(1001)))
	f.Add([]byte(`{"body":` + nested(999) + `}`))
	f.Add([]byte(`{"body":{"a":` + nested(9999) + `}}`))
	f.Fuzz(func(t *testing.T, line []byte) { against(t, line) })
}

// against fails if Scan and the naive reader disagree on a line.
func against(t *testing.T, line []byte) {
	t.Helper()
	var m Message
	err := m.Scan(line)
	notJSON := err != nil && strings.HasPrefix(err.Error(), "not JSON: ")
	if want := !isJSON(t, line); notJSON != want {
		t.Fatalf("%q: %v, but not JSON is %v", line, err, want)
	}
	if notJSON {
		var e *Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(line) {
			t.Fatalf("%q: offset in %#v", line, err)
		}
		return
	}
	want, ok := readNaively(line)
	if ok != (err == nil) {
		t.Fatalf("%q: %v, but a message is %v", line, err, ok)
	}
	if ok && (string(m.Src) != want.src || string(m.Dest) != want.dest || string(m.Body.Type) != want.typ ||
		m.Body.ID != want.id || m.Body.InReplyTo != want.inReplyTo || string(m.Body.Raw) != want.body) {
		t.Fatalf("%q: read %+v, want %+v", line, m, want)
	}
}

// isJSON is jsontext's verdict but for the differences that are intended, each
// of which must be there where it decides.
func isJSON(t *testing.T, line []byte) bool {
	t.Helper()
	value := jsontext.Value(line)
	verdict := value.IsValid()
	if !verdict && value.IsValid(jsontext.AllowDuplicateNames(true)) {
		if !repeatsName(line) {
			t.Fatalf("%q: jsontext finds a name twice, we don't", line)
		}
		verdict = true // 1: names may repeat (the reserved ones are judged later)
	}
	if !verdict && utf8.Valid(line) && value.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		if !hasLoneSurrogate(line) {
			t.Fatalf("%q: jsontext finds a lone surrogate, we don't", line)
		}
		verdict = true // 2: escapes of lone surrogates are kept
	}
	return verdict && depth(line) <= 1000 // 3: jsontext's bound is 10,000
}

// lenient reads tokens of anything that is JSON by its grammar.
func lenient(text []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// tokens are brackets, and all else in its raw spelling.
func tokens(text []byte) []string {
	var all []string
	for d := lenient(text); ; {
		switch d.PeekKind() {
		case '{', '}', '[', ']':
			token, err := d.ReadToken()
			if err != nil {
				return append(all, err.Error())
			}
			all = append(all, token.String())
		default:
			raw, err := d.ReadValue()
			if err == io.EOF {
				return all
			}
			if err != nil {
				return append(all, err.Error())
			}
			all = append(all, string(raw))
		}
	}
}

func depth(text []byte) (deepest int) {
	at := 0
	for _, token := range tokens(text) {
		switch token {
		case "{", "[":
			at++
			deepest = max(deepest, at)
		case "}", "]":
			at--
		}
	}
	return deepest
}

func repeatsName(text []byte) bool {
	var seen []map[string]bool
	d := lenient(text)
	for {
		level := d.StackDepth()
		kind, length := d.StackIndex(level)
		token, err := d.ReadToken()
		switch {
		case err != nil:
			return false
		case token.Kind() == '{', token.Kind() == '[':
			seen = append(seen[:level], map[string]bool{})
		case token.Kind() == '"' && kind == '{' && length%2 == 0:
			if name := token.String(); seen[level-1][name] {
				return true
			} else {
				seen[level-1][name] = true
			}
		}
	}
}

func hasLoneSurrogate(text []byte) bool {
	return slices.ContainsFunc(tokens(text), func(token string) bool {
		if token[0] != '"' {
			return false
		}
		high := false
		for i := 1; i < len(token); i++ {
			unit := int64(0)
			if token[i] == '\\' {
				i++
				if token[i] == 'u' {
					unit, _ = strconv.ParseInt(token[i+1:i+5], 16, 64)
					i += 4
				}
			}
			low := unit>>10 == 0xdc00>>10
			if low != high {
				return true
			}
			high = unit>>10 == 0xd800>>10
		}
		return false
	})
}

type naive struct {
	src, dest, typ, body string
	id, inReplyTo        int64
}

// readNaively takes valid JSON for a message by maps.
func readNaively(line []byte) (m naive, ok bool) {
	envelope, ok := members(line)
	if !ok || len(envelope["body"]) != 1 || len(envelope["src"]) != 1 || len(envelope["dest"]) != 1 {
		return m, false
	}
	m.body = string(envelope["body"][0])
	fields, ok := members([]byte(m.body))
	if !ok || len(fields["type"]) != 1 {
		return m, false
	}
	for _, s := range []struct {
		into *string
		raw  jsontext.Value
	}{{&m.src, envelope["src"][0]}, {&m.dest, envelope["dest"][0]}, {&m.typ, fields["type"][0]}} {
		if s.raw.Kind() != '"' {
			return m, false
		}
		text, _ := jsontext.AppendUnquote(nil, s.raw) // errors are lone surrogates
		*s.into = string(text)
	}
	for name, into := range map[string]*int64{"msg_id": &m.id, "in_reply_to": &m.inReplyTo} {
		*into = NoID
		if len(fields[name]) == 0 {
			continue
		}
		n, err := strconv.ParseInt(string(fields[name][0]), 10, 64)
		if err != nil || n < 0 || len(fields[name]) > 1 || fields[name][0][0] == '-' {
			return m, false
		}
		*into = n
	}
	return m, m.src != "" && m.dest != ""
}

func members(raw []byte) (values map[string][]jsontext.Value, ok bool) {
	d := lenient(raw)
	if d.PeekKind() != '{' {
		return nil, false
	}
	d.ReadToken()
	values = make(map[string][]jsontext.Value)
	for d.PeekKind() == '"' {
		name, _ := d.ReadToken()
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		values[key] = append(values[key], value.Clone())
	}
	return values, true
}

// mixedLines differ in their nodes, types, ids and in the length of their text, so
// that no processor learns them by heart.
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

// BenchmarkScan reads small messages; the peers read all of the first, too, but
// encoding/json accepts invalid UTF-8 and a name given twice.
func BenchmarkScan(b *testing.B) {
	line := []byte(echoLine)
	for _, bb := range []struct{ name, line string }{
		{"eddy", echoLine},
		{"spaced", `{"id": 7, "src": "c1", "dest": "n1", "body": {"echo": "Please echo 42", "type": "echo", "msg_id": 2}}`},
		{"relay", relayLine},
		{"reply", `{"src":"n2","dest":"n1","body":{"type":"echo_ok","echo":"Please echo 42","in_reply_to":8,"msg_id":3}}`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			line := []byte(bb.line)
			b.ReportAllocs()
			var m Message
			for b.Loop() {
				if err := m.Scan(line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("mixed", func(b *testing.B) {
		lines := mixedLines()
		var m Message
		for i := 0; b.Loop(); i++ {
			if err := m.Scan(lines[i%len(lines)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("jsontext", func(b *testing.B) {
		b.ReportAllocs()
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
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
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
	})
}

package wire

import (
	"errors"
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
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
		{line: `{"src":"c1","dest":"n1","body":{"type":"t","msg_id":null, "in_reply_to":null}}`,
			src: "c1", dest: "n1", typ: "t", id: NoID, inReplyTo: NoID, blanksInTheBody: true,
			body: `{"type":"t","msg_id":null, "in_reply_to":null}`},
		{line: `{"src":"\t","dest":"日本","body":{"type":"t","d":` + nested(998) + `}}`,
			src: "\t", dest: "日本", typ: "t", id: NoID, inReplyTo: NoID, body: `{"type":"t","d":` + nested(998) + `}`},
	} {
		var m Message
		m.Src, m.Body.ID, m.Body.count = []byte("old"), 77, 3 // from an earlier line
		if err := m.Scan([]byte(tt.line)); err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		if string(m.Src) != tt.src || string(m.Dest) != tt.dest || string(m.Type) != tt.typ {
			t.Errorf("%s: from %q to %q, type %q", tt.line, m.Src, m.Dest, m.Type)
		}
		if m.Body.ID != tt.id || m.Body.InReplyTo != tt.inReplyTo {
			t.Errorf("%s: msg_id %d, in_reply_to %d", tt.line, m.Body.ID, m.Body.InReplyTo)
		}
		if string(m.Raw) != tt.body || m.Body.blanks != tt.blanksInTheBody {
			t.Errorf("%s: body %s, blanks %v", tt.line, m.Raw, m.Body.blanks)
		}
	}
}

// faults are lines that are not messages, with the reason. A ‸ stands before the
// invalid byte. In lines without it, the error has no place.
var faults = []struct{ line, reason string }{
	{`‸`, "not JSON: unexpected end of the line"},
	{" \t‸", "not JSON: unexpected end of the line"},
	{`‸x`, "not JSON: expected a value"},
	{"‸\x00", "not JSON: expected a value"},
	{"‸\xef\xbb\xbf{}", "not JSON: expected a value"},
	{"‸\v{}", "not JSON: expected a value"},
	{`nul‸`, "not JSON: expected null"},
	{`tru‸x`, "not JSON: expected true"},
	{`f‸`, "not JSON: expected false"},
	{`[1‸`, "not JSON: expected ',' or ']' after an element"},
	{`[1 ‸2]`, "not JSON: expected ',' or ']' after an element"},
	{`[1,‸]`, "not JSON: expected a value"},
	{`[{"a":1‸]`, "not JSON: expected ',' or '}' after a member"},
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
	{`"src"‸:"c1"}`, "not JSON: unexpected text after the value"},
	{`1 ‸2`, "not JSON: unexpected text after the value"},
	{`0‸1`, "not JSON: unexpected text after the value"},

	{`{‸`, "not JSON: expected a member's name in quotes"},
	{`{‸src:"c1"}`, "not JSON: expected a member's name in quotes"},
	{`{‸,}`, "not JSON: expected a member's name in quotes"},
	{`{"src‸`, "not JSON: unexpected end of the line in a string"},
	{`{"src"‸`, "not JSON: expected ':' after a member's name"},
	{`{"src" ‸"c1"}`, "not JSON: expected ':' after a member's name"},
	{`{"src":‸`, "not JSON: unexpected end of the line"},
	{`{"src":‸}`, "not JSON: expected a value"},
	{`{"dest":‸}`, "not JSON: expected a value"},
	{`{"body":‸}`, "not JSON: expected a value"},
	{`{"x":‸'a'}`, "not JSON: expected a value"},
	{`{"src":"c1"‸`, "not JSON: expected ',' or '}' after a member"},
	{`{"src":"c1" ‸"dest":"n1"}`, "not JSON: expected ',' or '}' after a member"},
	{`{"src":"c1",‸}`, "not JSON: expected a member's name in quotes"},
	{`{"src":"c1‸` + "\n" + `"}`, "not JSON: control character in a string"},
	{`{"src":"c1 long enough to be read by words‸` + "\x1f" + `"}`, "not JSON: control character in a string"},
	{`{"src":"‸` + "\x00" + `12345678"}`, "not JSON: control character in a string"},
	{`{"src":"‸\x"}`, "not JSON: invalid escape in a string"},
	{`{"src":"‸\u12g4"}`, "not JSON: invalid escape in a string"},
	{`{"src":"‸\u123`, "not JSON: invalid escape in a string"},
	{`{"src":"‸\`, "not JSON: invalid escape in a string"},
	{`{"src":"‸` + "\xff" + `"}`, "not JSON: invalid UTF-8"},
	{`{"src":"‸` + "\xed\xa0\x80" + `"}`, "not JSON: invalid UTF-8"}, // a surrogate
	{`{"src":"‸` + "\xc0\x80" + `"}`, "not JSON: invalid UTF-8"},     // overlong
	{`{"src":"é‸` + "\xc3", "not JSON: invalid UTF-8"},
	{`{"x‸` + "\xc3" + `":1}`, "not JSON: invalid UTF-8"},
	{`{"x":0‸1}`, "not JSON: expected ',' or '}' after a member"},
	{`{"x":‸+1}`, "not JSON: expected a value"},
	{`{"x":‸.5}`, "not JSON: expected a value"},
	{`{"x":‸NaN}`, "not JSON: expected a value"},
	{`{"body":{‸`, "not JSON: expected a member's name in quotes"},
	{`{"body":{‸1:2}}`, "not JSON: expected a member's name in quotes"},
	{`{"body":{"type":‸}}`, "not JSON: expected a value"},
	{`{"body":{"type":"t"‸`, "not JSON: expected ',' or '}' after a member"},
	{`{"body":{"type":"t"}‸`, "not JSON: expected ',' or '}' after a member"},
	{`{"body":{"d":` + nested(998)[:998] + `‸[`, "not JSON: nested deeper than 1,000"},
	{echoLine + `‸}`, "not JSON: unexpected text after the object"},
	{echoLine + ` ‸{}`, "not JSON: unexpected text after the object"},
	{`{}‸,`, "not JSON: unexpected text after the object"},

	// If the text is not JSON, that is the error, whatever else is wrong before.
	{`{"src":1,"src":2,"body":[],"body":{"type":3}‸`, "not JSON: expected ',' or '}' after a member"},
	{`{"src":1}‸!`, "not JSON: unexpected text after the object"},

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
	{`{"src":"c1","dest":"n1","body":{"type":"t"},"body":1}`, "body is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","t\u0079pe":"t"}}`, "body.type is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":0,"msg_id":0}}`, "body.msg_id is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","in_reply_to":0,"in_reply_to":1}}`, "body.in_reply_to is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":1,"msg_id":1,"msg_id":1,"msg_id":1}}`, "body.msg_id is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":-1}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":-0}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":1.0}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":1e3}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":"1"}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":null,"msg_id":null}}`, "body.msg_id is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","in_reply_to":1,"in_reply_to":null}}`, "body.in_reply_to is given twice"},
	{`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":9223372036854775808}}`, badID("msg_id")},
	{`{"src":"c1","dest":"n1","body":{"type":"t","in_reply_to":{}}}`, badID("in_reply_to")},

	// If several keys are wrong, the first one is the error.
	{`{"src":1,"dest":2,"body":3}`, "src must be a string"},
	{`{"body":{"msg_id":"x","type":1},"src":1}`, badID("msg_id")},
	{`{"dest":1}`, "dest must be a string"},
}

func badID(name string) string {
	return "body." + name + " must be an integer from 0 to 9223372036854775807"
}

func TestScanFaults(t *testing.T) {
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

func TestScanAllocatesNothing(t *testing.T) {
	line := []byte(echoLine)
	var m Message
	if n := testing.AllocsPerRun(100, func() { m.Scan(line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

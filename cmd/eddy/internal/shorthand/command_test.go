package shorthand

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/message"
)

func request(body string) Command { return Command{Verb: Request, Body: []byte(body)} }

func reply(to int64, body string) Command {
	return Command{Verb: Reply, To: to, Body: []byte(body)}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		line string
		want Command
	}{
		{"", Command{}},
		{" \t ", Command{}},
		{"# echo hi", Command{}},
		{"help", Command{Verb: Help}},
		{" quit ", Command{Verb: Quit}},
		{"wait", Command{Verb: Wait}},
		{"wait 600ms", Command{Verb: Wait, For: 600 * time.Millisecond}},

		// By position.
		{"echo hi", request(`{"type":"echo","echo":"hi"}`)},
		{"  echo \t hi\r", request(`{"type":"echo","echo":"hi"}`)},
		{"generate", request(`{"type":"generate"}`)},
		{"read", request(`{"type":"read"}`)},
		{"read x", request(`{"type":"read","key":"x"}`)},
		{"broadcast 5", request(`{"type":"broadcast","message":5}`)},
		{"write x 3", request(`{"type":"write","key":"x","value":3}`)},
		{"cas x 3 4", request(`{"type":"cas","key":"x","from":3,"to":4}`)},
		{"add 3", request(`{"type":"add","element":3}`)},
		{"send k 5", request(`{"type":"send","key":"k","msg":5}`)},
		{`poll {"k": 0}`, request(`{"type":"poll","offsets":{"k": 0}}`)},
		{`topology {"n1":["n2"],"n2":[]}`, request(`{"type":"topology","topology":{"n1":["n2"],"n2":[]}}`)},
		{`txn [["r", 1, null]]`, request(`{"type":"txn","txn":[["r", 1, null]]}`)},

		// By name, and both.
		{"add delta=3", request(`{"type":"add","delta":3}`)},
		{"write value=3 x", request(`{"type":"write","key":"x","value":3}`)},
		{"cas x 3 4 create_if_not_exists=true", request(`{"type":"cas","key":"x","from":3,"to":4,"create_if_not_exists":true}`)},
		{"frob a=1 b=x c=[1, 2] d=", request(`{"type":"frob","a":1,"b":"x","c":[1, 2],"d":""}`)},
		{"frob", request(`{"type":"frob"}`)},
		{"frob msg_id=9", request(`{"type":"frob","msg_id":9}`)},

		// What is JSON and what is a string.
		{"echo 5", request(`{"type":"echo","echo":5}`)},
		{`echo "5"`, request(`{"type":"echo","echo":"5"}`)},
		{"echo 1.0", request(`{"type":"echo","echo":1.0}`)},
		{"echo 12345678901234567890123", request(`{"type":"echo","echo":12345678901234567890123}`)},
		{"echo 1e400", request(`{"type":"echo","echo":1e400}`)},
		{"echo 007", request(`{"type":"echo","echo":"007"}`)},
		{"echo null", request(`{"type":"echo","echo":null}`)},
		{"echo nulls", request(`{"type":"echo","echo":"nulls"}`)},
		{`echo "a \u0041 b"`, request(`{"type":"echo","echo":"a \u0041 b"}`)},
		{`echo it's`, request(`{"type":"echo","echo":"it's"}`)},
		{`echo a\b`, request(`{"type":"echo","echo":"a\\b"}`)},
		{"echo hi  there, you", request(`{"type":"echo","echo":"hi there, you"}`)},
		{"echo 1 2", request(`{"type":"echo","echo":"1 2"}`)},
		{"echo http://host/?a=b", request(`{"type":"echo","echo":"http://host/?a=b"}`)},
		{`echo "a=b"`, request(`{"type":"echo","echo":"a=b"}`)},
		{"echo é→", request(`{"type":"echo","echo":"é→"}`)},

		// The relay's payload is a message in itself.
		{"relay n2 read", request(`{"type":"relay","target":"n2","payload":{"type":"read"}}`)},
		{"relay n2 read x", request(`{"type":"relay","target":"n2","payload":{"type":"read","key":"x"}}`)},
		{"relay n2 echo hi there", request(`{"type":"relay","target":"n2","payload":{"type":"echo","echo":"hi there"}}`)},
		{`relay n2 {"type": "echo", "echo": 1.50}`, request(`{"type":"relay","target":"n2","payload":{"type": "echo", "echo": 1.50}}`)},
		{"relay n2 relay n3 read", request(`{"type":"relay","target":"n2","payload":{"type":"relay","target":"n3","payload":{"type":"read"}}}`)},
		{"relay n2 attempts=5 write x value=3", request(`{"type":"relay","target":"n2","payload":{"type":"write","key":"x","value":3},"attempts":5}`)},
		{`relay target=n2 payload={"type":"read"}`, request(`{"type":"relay","target":"n2","payload":{"type":"read"}}`)},
		{"relay target=n2 read", request(`{"type":"relay","payload":{"type":"read"},"target":"n2"}`)},

		// JSON, to the byte.
		{`{"type":"echo","echo":1.0}`, request(`{"type":"echo","echo":1.0}`)},
		{` {"b" : 1, "type" : "x", "a":1e400, "b":2} `, request(`{"b" : 1, "type" : "x", "a":1e400, "b":2}`)},
		{`{"src":"c9", "dest":"n1","body":{}} `, Command{Verb: Message, Line: `{"src":"c9", "dest":"n1","body":{}}`}},
		{`{"type":"x","body":1}`, request(`{"type":"x","body":1}`)},
		{"raw not json", Command{Verb: Raw, Line: "not json"}},
		{"raw", Command{Verb: Raw}},
		{"raw \xff", Command{Verb: Raw, Line: "\xff"}},

		{"reply read_ok value=3", reply(-1, `{"type":"read_ok","value":3}`)},
		{"reply read_ok 3", reply(-1, `{"type":"read_ok","value":3}`)},
		{"reply 4 read_ok value=3", reply(4, `{"type":"read_ok","value":3}`)},
		{"reply 0 write_ok", reply(0, `{"type":"write_ok"}`)},
		{`reply {"type":"read_ok", "value":3}`, reply(-1, `{"type":"read_ok", "value":3}`)},
		{`reply error 22 "not equal"`, reply(-1, `{"type":"error","code":22,"text":"not equal"}`)},
		{`reply error 22 not equal`, reply(-1, `{"type":"error","code":22,"text":"not equal"}`)},
		{`reply 4 error precondition-failed`, reply(4, `{"type":"error","code":22}`)},
	} {
		got, err := Parse(test.line)
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.line, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"write x", "value is missing: write KEY VALUE"},
		{"write", "key is missing: write KEY VALUE"},
		{"cas x to=4", "from is missing: cas KEY FROM TO"},
		{"read x y", `"y" is one argument too many: read [KEY]`},
		{"generate 3", `"3" is one argument too many: generate`},
		{"frob 3", "arguments of frob need names: frob value=3"},
		{"frob a=1 a=2", "a is given twice"},
		{"frob type=x", "type must be the first word of a message, without a name"},
		{"relay n2", "payload is missing: relay TARGET PAYLOAD..."},
		{"relay n2 write x", "relay's payload: value is missing: write KEY VALUE"},
		{"relay n2 3", ""},
		{"relay n2 {}", "relay's payload: type is missing"},
		{`relay n2 {"type":"read"} x`, `relay's payload: "x" follows the JSON body`},
		{"a=1", `"a=1": a message must begin with its type, as in: echo hi`},
		{`"echo" hi`, `"\"echo\"": a message must begin with its type, as in: echo hi`},
		{"[1]", `"[1]": a message must begin with its type, as in: echo hi`},
		{`echo "hi`, "not JSON: it ends too early"},
		{`frob a={"b":1`, "not JSON: it ends too early"},
		{`frob a="b"c`, `no blank after "b"`},
		{`{"type":"echo"`, "not JSON: it ends too early"},
		{`{"type":echo}`, "not JSON: invalid character 'e' at start of value at byte 9"},
		{`{"type":"echo"} x`, `a line must contain one JSON object, but "x" follows it`},
		{`{"typ":"echo"}`, `type is missing; a line of JSON must be a body {"type":...} or a whole message {"src":...,"dest":...,"body":...}`},
		{`{"type":1}`, `type is not a string; a line of JSON must be a body {"type":...} or a whole message {"src":...,"dest":...,"body":...}`},
		{"echo \xff", "not valid UTF-8; to send any bytes, type raw and the bytes"},
		{"wait 3", `wait 3: must be a duration such as 600ms or 2s`},
		{"wait -1s", `wait -1s: must be a duration such as 600ms or 2s`},
		{"quit now", `quit has no arguments: "now"`},
		{"reply", "reply needs a body, and before it the msg_id of the request if that is not the newest one: reply read_ok value=3"},
		{"reply 4", "reply needs a body, and before it the msg_id of the request if that is not the newest one: reply read_ok value=3"},
		{"reply error no", `code no: must be a number, or a name such as precondition-failed`},
		{strings.Repeat("relay n2 ", 1000) + "read", ""},
	} {
		_, err := Parse(test.line)
		switch {
		case err == nil && test.want != "":
			t.Errorf("%s: no error, want %s", test.line, test.want)
		case test.want != "" && err.Error() != test.want:
			t.Errorf("%s:\n got %s\nwant %s", test.line, err, test.want)
		}
	}
	if _, err := Parse(strings.Repeat("relay n2 ", 1000) + "read"); err == nil || strings.Count(err.Error(), "payload") > 200 {
		t.Errorf("a thousand nested payloads: %v", err)
	}
}

// Every example in the table is one that Parse takes.
func TestTypesTry(t *testing.T) {
	for _, typ := range Types {
		c, err := Parse(typ.Try)
		if err != nil {
			t.Errorf("%s: %v", typ.Try, err)
			continue
		}
		fields, err := message.Fields(c.Body)
		if err != nil || fields[0].Name != "type" || ShowValue(fields[0].Value) != typ.Name {
			t.Errorf("%s: %s, %v", typ.Try, c.Body, err)
		}
	}
}

// Whatever is typed, a body is a JSON object with a type, and what is shown of
// it can be typed again, where its names are such that a person can type them.
func FuzzParse(f *testing.F) {
	for _, typ := range Types {
		f.Add(typ.Try)
	}
	f.Add(`{"type":"x","b\u0000":"\ud800", "":[{}, -0.0E5]}`)
	f.Add(`x a="\u001b[31m" b=" " c={"d" : "\t"} e="5" f=5`)
	f.Fuzz(func(t *testing.T, line string) {
		c, err := Parse(line)
		if err != nil {
			return
		}
		if c.Verb != Request && c.Verb != Reply {
			return
		}
		fields, err := message.Fields(message.With(c.Body, "msg_id", []byte("1")))
		if err != nil {
			t.Fatalf("%q: body %s: %v", line, c.Body, err)
		}
		if last := fields[len(fields)-1]; last.Name != "msg_id" || string(last.Value) != "1" {
			t.Errorf("%q: the msg_id is not at the end: %v", line, fields)
		}
		shown := "type " + Show(fields[1:])
		if strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%q is shown with control characters: %q", line, shown)
		}
		again, err := Parse(shown)
		if err != nil {
			return // a name that cannot be typed, or one given twice
		}
		if got, _ := message.Fields(again.Body); Show(got[1:]) != Show(fields[1:]) {
			t.Errorf("shown as %s\nread as   %s", shown, Show(got[1:]))
		}
	})
}

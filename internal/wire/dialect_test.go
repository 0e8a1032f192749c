package wire

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var dialects = []Dialect{{}, {Spaced: true}}

// ownFields are bodies, and the fields that AppendFields writes with and without blanks.
var ownFields = []struct {
	name, typ, body string
	compact, spaced string
}{
	{"unchanged", "",
		`{"type":"t","a":1,"b":[1,2]}`,
		`"type":"t","a":1,"b":[1,2]`,
		`"type": "t", "a": 1, "b": [1, 2]`},
	{"the type moves to the front", "",
		`{"b":1,"a":2,"type":"t","c":3}`,
		`"type":"t","b":1,"a":2,"c":3`,
		`"type": "t", "b": 1, "a": 2, "c": 3`},
	{"another type", "t_ok",
		`{"a":1,"type":"t","b":2}`,
		`"type":"t_ok","a":1,"b":2`,
		`"type": "t_ok", "a": 1, "b": 2`},
	{"a type for a body without one", `"` + "\n",
		`{"a":1}`,
		`"type":"\"\n","a":1`,
		`"type": "\"\n", "a": 1`},
	{"ids at the front", "",
		`{"msg_id":1,"in_reply_to":2,"type":"t","a":1}`,
		`"type":"t","a":1`,
		`"type": "t", "a": 1`},
	{"ids in the middle", "",
		`{"a":1,"msg_id":1,"b":2,"in_reply_to":2,"c":3,"type":"t"}`,
		`"type":"t","a":1,"b":2,"c":3`,
		`"type": "t", "a": 1, "b": 2, "c": 3`},
	{"ids at the end", "",
		`{"type":"t","a":1,"in_reply_to":1,"msg_id":1}`,
		`"type":"t","a":1`,
		`"type": "t", "a": 1`},
	{"only reserved keys", "",
		`{ "in_reply_to" : 1 , "type" : "t" , "msg_id" : 1 }`,
		`"type":"t"`,
		`"type": "t"`},
	{"names with escapes", "",
		`{"a":1,"msg\u005fid":1,"\u0074\u0079\u0070\u0065":"\u0074","in\u005Freply_to":0,"b":2}`,
		`"type":"\u0074","a":1,"b":2`,
		`"type": "\u0074", "a": 1, "b": 2`},
	{"keys that are not reserved", "",
		`{"a":{"type":1,"msg_id":2},"Type":3,"type ":4,"":5,"msg_id\u0000":6,"type":"t"}`,
		`"type":"t","a":{"type":1,"msg_id":2},"Type":3,"type ":4,"":5,"msg_id\u0000":6`,
		`"type": "t", "a": {"type": 1, "msg_id": 2}, "Type": 3, "type ": 4, "": 5, "msg_id\u0000": 6`},
	{"empty", "t", `{}`, `"type":"t"`, `"type": "t"`},
	{"empty with blanks", "t", "{ \t\r\n}", `"type":"t"`, `"type": "t"`},
	{"blanks anywhere", "",
		" {\n \"a\" :\t[ 1 , { } , [ ] ,\"x\" ]\r\n,\n\"type\" : \"t\"\n, \"b\" : null } \n",
		`"type":"t","a":[1,{},[],"x"],"b":null`,
		`"type": "t", "a": [1, {}, [], "x"], "b": null`},
	{"blanks only after the last field", "", `{"type":"t","a":1 }`, `"type":"t","a":1`, `"type": "t", "a": 1`},
	{"strings that look like structure", "",
		`{"a, b: c":"{\",\":\\","type":"t:, x","d" : "}],[{  \\\" : ,", "e":",","f":"\\"}`,
		`"type":"t:, x","a, b: c":"{\",\":\\","d":"}],[{  \\\" : ,","e":",","f":"\\"`,
		`"type": "t:, x", "a, b: c": "{\",\":\\", "d": "}],[{  \\\" : ,", "e": ",", "f": "\\"`},
	{"names, numbers and escapes stay as they are", "",
		`{"type":"t","a":1.0,"a":1e400,"b":-0,"c":9007199254740993,"\u0061":"\ud800\/é\u00e9"}`,
		`"type":"t","a":1.0,"a":1e400,"b":-0,"c":9007199254740993,"\u0061":"\ud800\/é\u00e9"`,
		`"type": "t", "a": 1.0, "a": 1e400, "b": -0, "c": 9007199254740993, "\u0061": "\ud800\/é\u00e9"`},
}

func TestAppendFields(t *testing.T) {
	for _, tt := range ownFields {
		t.Run(tt.name, func(t *testing.T) {
			var b Body
			text, err := b.Read([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{tt.compact, tt.spaced} {
				if got := string(dialects[i].AppendFields([]byte("before "), tt.typ, text, &b)); got != "before "+want {
					t.Errorf("got  %s\nwant before %s", got, want)
				}
			}
		})
	}
}

func TestAppendHeadAndTail(t *testing.T) {
	for _, tt := range []struct {
		src, dest       string
		inReplyTo, id   int64
		compact, spaced string
	}{
		{"n1", "c1", 2, 0,
			`{"src":"n1","dest":"c1","body":{"type":"t","in_reply_to":2,"msg_id":0}}`,
			`{"src": "n1", "dest": "c1", "body": {"type": "t", "in_reply_to": 2, "msg_id": 0}}`},
		{"n1", "n2", NoID, 1<<63 - 1,
			`{"src":"n1","dest":"n2","body":{"type":"t","msg_id":9223372036854775807}}`,
			`{"src": "n1", "dest": "n2", "body": {"type": "t", "msg_id": 9223372036854775807}}`},
		{"n1", "n2", 0, NoID,
			`{"src":"n1","dest":"n2","body":{"type":"t","in_reply_to":0}}`,
			`{"src": "n1", "dest": "n2", "body": {"type": "t", "in_reply_to": 0}}`},
		{"\"\\\n", "\xff", NoID, NoID,
			`{"src":"\"\\\n","dest":"` + "\ufffd" + `","body":{"type":"t"}}`,
			`{"src": "\"\\\n", "dest": "` + "\ufffd" + `", "body": {"type": "t"}}`},
	} {
		for i, want := range []string{tt.compact, tt.spaced} {
			d := dialects[i]
			line := d.AppendHead(nil, tt.src, tt.dest)
			line = d.AppendFields(line, "t", []byte("{}"), new(Body))
			line = d.AppendTail(line, tt.inReplyTo, tt.id)
			if string(line) != want+"\n" {
				t.Errorf("got  %swant %s", line, want)
			}
		}
	}
}

func TestAppendErrorAndMetadata(t *testing.T) {
	for i, want := range []string{
		`"type":"error","code":11,"text":"\"busy\"","retry_after_ms":250,"deadline_ms":1200,"retry":true`,
		`"type": "error", "code": 11, "text": "\"busy\"", "retry_after_ms": 250, "deadline_ms": 1200, "retry": true`,
	} {
		got := dialects[i].AppendError(nil, 11, `"busy"`, 250)
		if got = dialects[i].AppendMetadata(got, 1200, true); string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got, want := string(Dialect{}.AppendError(nil, 0, "", 0)), `"type":"error","code":0,"text":""`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendValue(t *testing.T) {
	for _, tt := range []struct{ raw, compact, spaced string }{
		{``, ``, ``},
		{` null `, `null`, `null`},
		{`" : , "`, `" : , "`, `" : , "`},
		{`"\\" , "\""`, `"\\","\""`, `"\\", "\""`},
		{`[ ]`, `[]`, `[]`},
		{`{ "a" : [ 1 , -2.5E+3 , true ] }`, `{"a":[1,-2.5E+3,true]}`, `{"a": [1, -2.5E+3, true]}`},
		{"{\"é\"\t:\r\n\"日本 :\"}", `{"é":"日本 :"}`, `{"é": "日本 :"}`},
	} {
		for i, want := range []string{tt.compact, tt.spaced} {
			if got := string(dialects[i].AppendValue([]byte("["), []byte(tt.raw))); got != "["+want {
				t.Errorf("%s: got %s, want [%s", tt.raw, got, want)
			}
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	var m Message
	if err := m.Scan([]byte(echoLine)); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 0, 1000)
	for _, d := range dialects {
		n := testing.AllocsPerRun(100, func() {
			out = d.AppendHead(out[:0], "n1", "c1")
			out = d.AppendFields(out, "echo_ok", m.Raw, &m.Body)
			out = d.AppendTail(out, 2, 1)
		})
		if n != 0 {
			t.Errorf("%+v: %v allocations", d, n)
		}
	}
}

// A long body costs one allocation.
func TestAppendLongFields(t *testing.T) {
	elements := strings.Repeat(`,"a, b: c"`, readSize/8)[1:]
	var b Body
	text, err := b.Read([]byte(`{"type":"t","all":[` + elements + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `"type": "t", "all": [` + strings.ReplaceAll(elements, `","`, `", "`) + `]`
	out := make([]byte, 0, 100)
	if got := string(Dialect{Spaced: true}.AppendFields(out, "", text, &b)); got != want {
		t.Errorf("got %.100s… (%d bytes), want %.100s… (%d bytes)", got, len(got), want, len(want))
	}
	once := testing.AllocsPerRun(10, func() { out = slices.Grow(out[:0:0], len(want)) }) // 2 with the race detector
	out = make([]byte, 0, 100)
	if n := testing.AllocsPerRun(10, func() { Dialect{Spaced: true}.AppendFields(out, "", text, &b) }); n != once {
		t.Errorf("%v allocations, want %v", n, once)
	}
}

// FuzzAppend writes what Scan accepts, in each dialect. The line is a message with the
// same meaning, in the documented order, with the blanks of the dialect.
func FuzzAppend(f *testing.F) {
	for _, body := range []string{
		`{"type":"echo","msg_id":2,"echo":"Please echo 42"}`,
		`{"b":1,"a":2,"type":"t","c":3}`,
		`{"a":1,"msg_id":1,"b":2,"in_reply_to":2,"c":3,"type":"t"}`,
		`{ "in_reply_to" : 1 , "type" : "t" , "msg_id" : 1 }`,
		`{"a":1,"msg\u005fid":1,"\u0074ype":"\u0074","in\u005Freply_to":0,"b":2}`,
		"{\n \"a\" :\t[ 1 , { } , [ ] ,\"x\" ]\r\n,\n\"type\" : \"t\"\n, \"b\" : null } ",
		`{"a, b: c":"{\",\":\\","type":"t:, x","d" : "}],[{  \\\" : ,", "e":",","f":"\\"}`,
		`{"type":"\ud800","a":1.0,"a":1e400,"b":-0,"c":9007199254740993,"\u0061":"\ud800\/é\u00e9"}`,
	} {
		f.Add([]byte(`{"src":"c1","dest":"n1","body":`+body+`}`), "")
		f.Add([]byte(`{"id":1,"dest":"\n","body":`+body+` , "src":"\u00e9"}`), "echo_ok")
		f.Add([]byte(`{"src":"\ud800","dest":"n1","body":`+body+`}`), "\xff\"")
	}
	f.Fuzz(func(t *testing.T, line []byte, typ string) {
		var m Message
		if m.Scan(line) != nil {
			return
		}
		for _, d := range dialects {
			for _, typ := range []string{"", typ} {
				rewrite(t, d, &m, typ)
			}
		}
	})
}

func rewrite(t *testing.T, d Dialect, m *Message, typ string) {
	out := d.AppendHead(nil, string(m.Src), string(m.Dest))
	out = d.AppendFields(out, typ, m.Raw, &m.Body)
	out = d.AppendTail(out, m.Body.InReplyTo, m.Body.ID)
	if !isJSON(t, out) || bytes.IndexByte(out, '\n') != len(out)-1 {
		t.Fatalf("%+v did not write one line of JSON: %q", d, out)
	}
	var again Message
	if err := again.Scan(out); err != nil {
		t.Fatalf("%+v did not write a message: %v: %q", d, err, out)
	}
	if !bytes.Equal(again.Src, m.Src) || !bytes.Equal(again.Dest, m.Dest) ||
		again.Body.ID != m.Body.ID || again.Body.InReplyTo != m.Body.InReplyTo {
		t.Fatalf("%+v wrote %q for %+v", d, out, m)
	}
	if got, want := tokens(again.Raw), inOrder(m, typ); !slices.Equal(got, want) {
		t.Fatalf("%+v wrote %q, want %q", d, got, want)
	}
	if got, want := string(out), blanks(d, out)+"\n"; got != want {
		t.Fatalf("%+v wrote %q, want %q", d, got, want)
	}
}

// inOrder returns the tokens of a body as it must be written.
func inOrder(m *Message, typ string) []string {
	var first, rest, last []string
	r := lenient(m.Raw)
	r.ReadToken()
	for r.PeekKind() == '"' {
		raw, _ := r.ReadValue()
		spelled := string(raw)
		value, _ := r.ReadValue()
		switch string(Unquote([]byte(spelled))) {
		case "type":
			first = []string{"{", `"type"`, string(value)}
			if typ != "" {
				first[2] = string(AppendQuote(nil, typ))
			}
		case "in_reply_to", "msg_id":
		default:
			rest = append(append(rest, spelled), tokens(value)...)
		}
	}
	if m.Body.InReplyTo != NoID {
		last = append(last, `"in_reply_to"`, strconv.FormatInt(m.Body.InReplyTo, 10))
	}
	if m.Body.ID != NoID {
		last = append(last, `"msg_id"`, strconv.FormatInt(m.Body.ID, 10))
	}
	return slices.Concat(first, rest, last, []string{"}"})
}

var (
	stringsAndBlanks = regexp.MustCompile(`"(\\.|[^"\\])*"|\s`)
	stringsAndMarks  = regexp.MustCompile(`"(\\.|[^"\\])*"|[:,]`)
)

// blanks returns the line with the blanks of a dialect.
func blanks(d Dialect, line []byte) string {
	out := stringsAndBlanks.ReplaceAllStringFunc(string(line), strings.TrimSpace)
	if d.Spaced {
		out = stringsAndMarks.ReplaceAllStringFunc(out, func(token string) string {
			if token[0] == '"' {
				return token
			}
			return token + " "
		})
	}
	return out
}

package wire

import "testing"

var badLines = []struct {
	name, line string
	want       BadLine
}{
	{"a good line", echoLine, BadLine{Src: "c1", Dest: "n1", ID: 2}},
	{"a good reply", `{"src":"c1","dest":"n1","body":{"type":"t","in_reply_to":0,"msg_id":3}}`,
		BadLine{Src: "c1", Dest: "n1", ID: 3, Reply: true}},
	{"any order, blanks, escapes",
		` { "body" : { "m\u0073g_id" : 7 , "type" : 1 } , "d\u0065st" : "n\u0031" , "src" : "c1" } `,
		BadLine{Src: "c1", Dest: "n1", ID: 7}},

	{"nothing", ``, BadLine{ID: NoID}},
	{"not JSON", `hello`, BadLine{ID: NoID}},
	{"not an object", `["src","c1"]`, BadLine{ID: NoID}},
	{"names without values", `{"src","dest":}`, BadLine{ID: NoID}},
	{"brackets that close too much", `}]}]"src":"c1"`, BadLine{ID: NoID}},

	{"cut after the msg_id", `{"src":"c1","dest":"n1","body":{"type":"t","msg_id":3,"a`,
		BadLine{Src: "c1", Dest: "n1", ID: 3}},
	{"cut within the msg_id", `{"src":"c1","dest":"n1","body":{"type":"t","msg_id":3`,
		BadLine{Src: "c1", Dest: "n1", ID: NoID}},
	{"cut before the msg_id", `{"src":"c1","dest":"n1","body":{"type":"t","msg_id":`,
		BadLine{Src: "c1", Dest: "n1", ID: NoID}},
	{"cut before the colon", `{"src":"c1","dest":"n1","body":{"type":"t","msg_id"`,
		BadLine{Src: "c1", Dest: "n1", ID: NoID}},
	{"cut within src", `{"body":{"msg_id":3},"src":"c`, BadLine{ID: 3}},
	{"cut within src, after a backslash", `{"body":{"msg_id":3},"src":"c\`, BadLine{ID: 3}},
	{"cut after src", `{"body":{"msg_id":3},"src":"c1"`, BadLine{Src: "c1", ID: 3}},
	{"cut after in_reply_to's colon", `{"src":"c1","body":{"msg_id":3,"in_reply_to":`,
		BadLine{Src: "c1", ID: 3, Reply: true}},
	{"cut after in_reply_to's name", `{"src":"c1","body":{"msg_id":3,"in_reply_to"`,
		BadLine{Src: "c1", ID: 3, Reply: true}},

	{"a bracket is missing", `{"src":"c1","dest":"n1","body":{"type":"t","msg_id":3}`,
		BadLine{Src: "c1", Dest: "n1", ID: 3}},
	{"a comma is missing", `{"src":"c1" "dest":"n1" "body":{"type":"t" "msg_id":3}}`,
		BadLine{Src: "c1", Dest: "n1", ID: 3}},
	{"a value is missing", `{"src":"c1","dest":,"body":{"type":,"msg_id":3}}`,
		BadLine{Src: "c1", ID: 3}},
	{"something follows", echoLine + `}`, BadLine{Src: "c1", Dest: "n1", ID: 2}},
	{"two messages", echoLine + echoLine, BadLine{ID: NoID}},
	{"invalid UTF-8 beside it", `{"src":"c1","body":{"msg_id":3,"a":"` + "\xff" + `"}}`, BadLine{Src: "c1", ID: 3}},
	{"invalid UTF-8 in src", `{"src":"c` + "\xff" + `","body":{"msg_id":3}}`, BadLine{ID: 3}},
	{"a bad escape in a name", `{"s\x72c":"c1","body":{"msg_id":3}}`, BadLine{ID: 3}},
	{"strings that look like structure", `{"a":"\"src\":\"c9\",{","src":"c1","body":{"a":"}\"","msg_id":3}!`,
		BadLine{Src: "c1", ID: 3}},

	{"names that are not strings", `{"src":1,"dest":["n1"],"body":{"msg_id":3}}`, BadLine{ID: 3}},
	{"an empty src", `{"src":"","body":{"msg_id":3}}`, BadLine{ID: 3}},
	{"a msg_id that is a string", `{"src":"c1","body":{"msg_id":"3"}}`, BadLine{Src: "c1", ID: NoID}},
	{"a msg_id that is a fraction", `{"src":"c1","body":{"msg_id":3.0}}`, BadLine{Src: "c1", ID: NoID}},
	{"a msg_id below 0", `{"src":"c1","body":{"msg_id":-3}}`, BadLine{Src: "c1", ID: NoID}},
	{"a msg_id beyond 64 bits", `{"src":"c1","body":{"msg_id":9223372036854775808}}`, BadLine{Src: "c1", ID: NoID}},
	{"a msg_id that is an object", `{"src":"c1","body":{"msg_id":{"msg_id":3}}}`, BadLine{Src: "c1", ID: NoID}},
	{"an in_reply_to of any kind", `{"src":"c1","body":{"msg_id":3,"in_reply_to":[null]}}`,
		BadLine{Src: "c1", ID: 3, Reply: true}},
	{"an in_reply_to that is null", `{"src":"c1","body":{"msg_id":3,"in_reply_to": null }}}`, BadLine{Src: "c1", ID: 3}},
	{"an in_reply_to that may be null", `{"src":"c1","body":{"msg_id":3,"in_reply_to":null`, BadLine{Src: "c1", ID: 3, Reply: true}},
	{"an in_reply_to that is null, and another", `{"src":"c1","body":{"msg_id":3,"in_reply_to":null,"in_reply_to":1}}`,
		BadLine{Src: "c1", ID: 3, Reply: true}},
	{"a msg_id that is null", `{"src":"c1","body":{"msg_id":null}}`, BadLine{Src: "c1", ID: NoID}},

	{"src twice", `{"src":"c1","src":"c1","body":{"msg_id":3}}`, BadLine{ID: 3}},
	{"src three times", `{"src":"c1","src":"c2","src":"c1","body":{"msg_id":3}}`, BadLine{ID: 3}},
	{"dest twice", `{"src":"c1","dest":"n1","dest":"n2","body":{"msg_id":3}}`, BadLine{Src: "c1", ID: 3}},
	{"msg_id twice", `{"src":"c1","body":{"msg_id":3,"msg_id":3}}`, BadLine{Src: "c1", ID: NoID}},
	{"msg_id twice, once with an escape", `{"src":"c1","body":{"msg_id":3,"msg\u005fid":3}}`, BadLine{Src: "c1", ID: NoID}},
	{"body twice", `{"src":"c1","body":{"type":"t"},"body":{"msg_id":3}}`, BadLine{Src: "c1", ID: NoID}},

	{"too deep", `{"a":{"src":"c1"},"body":{"a":{"msg_id":3,"in_reply_to":3},"b":[{"msg_id":3}]}}`, BadLine{ID: NoID}},
	{"not deep enough", `{"src":"c1","msg_id":3,"in_reply_to":3,"body":{}}`, BadLine{Src: "c1", ID: NoID}},
	{"beside the body", `{"src":"c1","body":{},"x":{"msg_id":3,"in_reply_to":3}}`, BadLine{Src: "c1", ID: NoID}},
	{"beside a body that is no object", `{"src":"c1","body":5,"x":{"msg_id":3,"in_reply_to":3}}`,
		BadLine{Src: "c1", ID: NoID}},
}

func TestReadBadLine(t *testing.T) {
	for _, tt := range badLines {
		t.Run(tt.name, func(t *testing.T) {
			if got := ReadBadLine([]byte(tt.line)); got != tt.want {
				t.Errorf("%s:\ngot  %+v\nwant %+v", tt.line, got, tt.want)
			}
		})
	}
}

func TestAnswerable(t *testing.T) {
	for b, want := range map[BadLine]bool{
		{Src: "c1", Dest: "n1", ID: 3}:              true,
		{Src: "c1", ID: 0}:                          true,
		{Dest: "n1", ID: 3}:                         false,
		{Src: "c1", ID: NoID}:                       false,
		{Src: "c1", Dest: "n1", ID: 3, Reply: true}: false,
	} {
		if b.Answerable() != want {
			t.Errorf("%+v: %v", b, !want)
		}
	}
}

// FuzzReadBadLine checks that ReadBadLine reads the same from a message as Scan does,
// and that it returns for any other line.
func FuzzReadBadLine(f *testing.F) {
	for _, line := range []string{
		echoLine,
		`{"src":"c1","dest":"n1","body":{"type":"t","in_reply_to":0,"msg_id":3}}`,
		`{"src":"c1","dest":"n1","body":{"type":"t","in_reply_to": null ,"msg_id":3}}`,
		`{"src":"c1","body":5,"x":{"msg_id":3,"in_reply_to":3}}`,
		`{"body":{"msg_id":3},"src":"c\`,
		`}]}]"src":"c1"`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got := ReadBadLine(line)
		var m Message
		if m.Scan(line) != nil {
			return
		}
		want := BadLine{string(m.Src), string(m.Dest), m.Body.ID, m.Body.InReplyTo != NoID}
		if got != want {
			t.Fatalf("%q: read %+v, want %+v", line, got, want)
		}
	})
}

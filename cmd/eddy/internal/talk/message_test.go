package talk

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

func TestReadMessage(t *testing.T) {
	field := func(name, value string) shorthand.Field { return shorthand.Field{Name: name, Value: []byte(value)} }
	for _, test := range []struct {
		line string
		want message
	}{
		{`{"src":"c1","dest":"n1","body":{"type":"read"}}`,
			message{src: "c1", dest: "n1", typ: "read"}},
		{` {"id":3, "body" : {"b":1.0, "msg_id": 7, "type":"x", "a":2 }, "dest":"n1", "src":"c1"} `,
			message{src: "c1", dest: "n1", typ: "x", msgID: id{7, true},
				fields: []shorthand.Field{field("b", "1.0"), field("a", "2")}}},
		{`{"src":"n1","dest":"c1","body":{"type":"x_ok","in_reply_to":9223372036854775807,"msg_id":0}}`,
			message{src: "n1", dest: "c1", typ: "x_ok", msgID: id{0, true}, inReplyTo: id{9223372036854775807, true}}},
		// An id that is no integer is a field, and the message no request.
		{`{"src":"c1","dest":"n1","body":{"type":"x","msg_id":1.0,"in_reply_to":null}}`,
			message{src: "c1", dest: "n1", typ: "x",
				fields: []shorthand.Field{field("msg_id", "1.0"), field("in_reply_to", "null")}}},
	} {
		got, err := readMessage([]byte(test.line))
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
		}
		if len(got.fields) == 0 {
			got.fields = nil
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(message{}, id{})); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.line, diff)
		}
	}
}

func TestComplete(t *testing.T) {
	for _, test := range []struct{ typed, want string }{
		{"ec", "echo "},
		{"w", "w"}, // wait and write
		{"list", "list_committed_offsets "},
		{"xyz", "xyz"},       // nothing
		{"echo h", "echo h"}, // not the first word
	} {
		got, pos, ok := complete(test.typed, len(test.typed), '\t')
		if got != test.want || pos != len(test.want) || !ok {
			t.Errorf("%q: got %q, %d, %v", test.typed, got, pos, ok)
		}
	}
	if got, _, _ := complete("bro 5", 3, '\t'); got != "broadcast  5" {
		t.Errorf("before the cursor: %q", got)
	}
	if _, _, ok := complete("ec", 2, 'h'); ok {
		t.Error("a letter completes")
	}
}

package talk

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/message"
)

func TestReadMessage(t *testing.T) {
	m, err := readMessage([]byte(` {"id":3, "body" : {"b":1.0, "msg_id": 7, "type":"x", "a":2 }, "dest":"n1", "src":"c1"} `))
	want := []message.Field{{Name: "b", Value: []byte("1.0")}, {Name: "a", Value: []byte("2")}}
	if diff := cmp.Diff(want, m.fields); diff != "" || err != nil || m.Type != "x" || m.ID != 7 {
		t.Errorf("%+v, %v (-want +got)\n%s", m, err, diff)
	}
	for line, want := range map[string]string{
		``:     "not JSON: an empty line",
		`oops`: "not JSON: invalid character 'o' at start of value at byte 1",
		`[1]`:  "not a JSON object",
		`{"src":"c1","dest":"n1","body":{"type":"x","msg_id":1.0}}`: "not a message: body.msg_id is not an integer from 0 to 2^63-1",
	} {
		if _, err := readMessage([]byte(line)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", line, err, want)
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

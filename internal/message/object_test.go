package message

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFields(t *testing.T) {
	got, err := Fields([]byte(` {"b": 1.0, "a":{"x":[]}, "\u0062":"c"} `))
	want := []Field{{"b", []byte("1.0")}, {"a", []byte(`{"x":[]}`)}, {"b", []byte(`"c"`)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestFieldsErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{``, "not JSON: it ends too early"},
		{`hello`, "not JSON: invalid character 'h' at start of value at byte 1"},
		{`[1]`, "not a JSON object"},
		{`{"a":1`, "not JSON: it ends too early"},
		{`{"a":1} {"b":2}`, "not JSON: more follows after the object"},
		{`{"a":1}}`, "not JSON: more follows after the object"},
		{`{1:1}`, "not JSON: object member name must be a string at byte 2"},
		{"{\"a\":\"\xff\"}", "not JSON: invalid UTF-8"},
	} {
		_, err := Fields([]byte(test.text))
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
		}
	}
}

func TestMember(t *testing.T) {
	for _, test := range []struct{ object, want string }{
		{`{"a":1,"b":2}`, "2"},
		{`{"b":1,"\u0062": [2] }`, "[2]"}, // the last one
		{`{"a":{"b":1}}`, ""},
		{`["b"]`, ""},
		{`{"b":`, ""},
	} {
		if got := string(Member([]byte(test.object), "b")); got != test.want {
			t.Errorf("%s: got %q, want %q", test.object, got, test.want)
		}
	}
}

func TestWith(t *testing.T) {
	for _, test := range []struct{ object, want string }{
		{`{"type":"b"}`, `{"type":"b","msg_id":3}`},
		{" { \"type\" : \"b\" } ", `{ "type" : "b","msg_id":3}`},
		{`{ }`, `{"msg_id":3}`},
		{`oops`, `oops`},
		{``, ``},
	} {
		if got := string(WithID([]byte(test.object), 3)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.object, got, test.want)
		}
	}
}

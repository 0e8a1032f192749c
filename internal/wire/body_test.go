package wire

import (
	"cmp"
	"errors"
	"strings"
	"testing"
)

func TestBodyRead(t *testing.T) {
	for _, tt := range []struct {
		raw, typ      string
		id, inReplyTo int64
		wrong         string
		offset        int
		body          string // if it differs from raw without blanks around it
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
		{raw: `{"a":}`, wrong: "not JSON: expected a value", offset: 5},
		{raw: `{"a"}`, wrong: "not JSON: expected ':' after a member's name", offset: 4},
		{raw: `{} {}`, wrong: "not JSON: unexpected text after the object", offset: 3},
		// Ids may be anything, since they will be replaced.
		{raw: ` {"msg_id":"abc", "a":{"msg_id":1}, "in_reply_to":null,"type":"read","m\u0073g_id":-1, "in_reply_to":1.0 }`,
			typ: "read", id: NoID, inReplyTo: NoID, body: `{"a":{"msg_id":1},"type":"read"}`},
		{raw: `{"msg_id":1,"msg_id":2}`, id: NoID, inReplyTo: NoID, body: `{}`},
		{raw: `{"msg_id":1.5,"type":1}`, wrong: "body.type must be a string", offset: -1},
		// In its message the body is one level deeper.
		{raw: `{"d":` + nested(999) + `}`, wrong: "not JSON: nested deeper than 1,000", offset: 5 + 998},
	} {
		var b Body
		text, err := b.Read([]byte(tt.raw))
		if tt.wrong != "" {
			var got *Error
			if !errors.As(err, &got) || *got != (Error{tt.wrong, tt.offset}) {
				t.Errorf("%.60s: %v", tt.raw, err)
			}
			continue
		}
		if err != nil || string(b.Type(text)) != tt.typ || b.HasType() != (tt.typ != "") {
			t.Errorf("%.60s: type %q, error %v", tt.raw, b.Type(text), err)
		}
		want := cmp.Or(tt.body, strings.TrimSpace(tt.raw))
		if b.ID != tt.id || b.InReplyTo != tt.inReplyTo || string(text) != want {
			t.Errorf("%.60s: msg_id %d, in_reply_to %d, %.60s", tt.raw, b.ID, b.InReplyTo, text)
		}
	}
}

// A caller may build a body on its stack, as cmd/relay does.
func TestBodyOnTheStack(t *testing.T) {
	n := testing.AllocsPerRun(100, func() {
		var stack [64]byte
		var b Body
		text, err := b.Read(append(stack[:0], `{"type":"relay_ok","attempts":1}`...))
		if err != nil || string(b.Type(text)) != "relay_ok" {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

package eddy

import (
	"iter"
	"math"
	"time"

	"github.com/eddyrpc/eddy/internal/body"
	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/wire"
)

// NoID is the ID of a message without a msg_id, and the InReplyTo of a message without
// an in_reply_to.
const NoID int64 = -1

// A Message is a message that a node has received.
type Message struct {
	Src, Dest string
	ID        int64 // msg_id, or NoID; 0 is an id like any other
	InReplyTo int64 // in_reply_to, or NoID
	Body      Raw   // the whole body as it came, with its type and ids

	typ string // of a message that was read
}

// Type returns the type of the body, "" if it has none.
func (m Message) Type() string {
	if m.typ == "" {
		typ, _ := m.Body.Get("type").Text()
		return typ
	}
	return m.typ
}

// A Raw is JSON text. What is handed over or received as Raw keeps the order of its keys, its
// numbers of any size and notation, and its escapes. Only blanks between tokens may change.
type Raw []byte

// Get returns the value of a member of a JSON object, nil if there is no such member. If
// the name is given twice, the last value counts. The text must be valid, as every
// received body is.
func (r Raw) Get(name string) Raw { return wire.Member(r, name) }

// Members yields the members of a JSON object in their order: the decoded name and the
// value of each.
func (r Raw) Members() iter.Seq2[Raw, Raw] { return wire.Members(r) }

// Text returns the string that r is, false if r is not a string. The escape of a lone
// surrogate, which no Go string can hold, becomes U+FFFD.
func (r Raw) Text() (string, bool) {
	if len(r) < 2 || r[0] != '"' {
		return "", false
	}
	return string(wire.Unquote(r)), true
}

// Int returns the integer that r is. It returns false if r is not a number, is written
// with a fraction or an exponent, or does not fit into 64 bits.
func (r Raw) Int() (int64, bool) { return wire.ParseInt(r) }

// Decode stores the value in what v points to, as encoding/json/v2 does, with two differences:
// of a name that is given twice the last value counts, and members that v has no field for are
// ignored. Its error names the member and not the Go type, so that it can be sent to a peer.
func (r Raw) Decode(v any) error { return body.Unmarshal(r, v) }

// String returns the text.
func (r Raw) String() string { return string(r) }

// MarshalJSON returns the text, and null for an empty one.
func (r Raw) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

// UnmarshalJSON stores a copy of the text.
func (r *Raw) UnmarshalJSON(text []byte) error {
	*r = append((*r)[:0], text...)
	return nil
}

// Marshal returns the JSON text of a body, as Reply, Send and the calls do. [Raw], []byte
// and json.RawMessage are JSON text already, and are returned as they are. Every other
// value is encoded as encoding/json/v2 does it; the members of a map are sorted by name.
func Marshal(v any) (Raw, error) { return body.Marshal(v) }

// clone returns a message that stays valid when the next line is read.
func (m Message) clone() Message {
	m.Body = append(Raw(nil), m.Body...)
	return m
}

// asError returns the error of an error reply. Without a valid code it is Crash, which
// is not definite.
func (m Message) asError() *Error {
	code, ok := m.Body.Get("code").Int()
	long, _ := m.Body.Get("text").Text()
	text := bounded.Text(long)
	if !ok {
		return &Error{Code: Crash, Text: "an error reply without a code: " + text}
	}
	e := &Error{Code: Code(code), Text: text}
	if after, ok := m.Body.Get("retry_after_ms").Int(); ok && after > 0 {
		e.RetryAfter = time.Duration(min(after, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	}
	return e
}

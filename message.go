package eddy

import (
	"bytes"
	"errors"
	"iter"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/wire"
)

// NoID stands where a message has no such id.
const NoID = wire.NoID

// A Message is one that a node has received.
type Message struct {
	Src, Dest string
	Type      string
	ID        int64 // msg_id, or NoID; 0 is an id like any other
	InReplyTo int64 // in_reply_to, or NoID
	Body      Raw   // the whole body as it came, type and ids included
}

// A Raw is JSON text. Whatever is handed over or received as Raw keeps its key
// order, its numbers of any size and notation, and its escapes: only blanks
// between tokens may change on the way.
type Raw []byte

// Get returns the value of a member of a JSON object, nil if there is no such
// member. The text must be valid, as every body that was received is.
func (r Raw) Get(name string) Raw { return wire.Member(r, name) }

// Members yields the members of a JSON object in their order: each one's name,
// decoded, and its value. It is the way to look at several of them at once.
func (r Raw) Members() iter.Seq2[Raw, Raw] { return wire.Members(r) }

// Text returns the string that the text is, and false if it is none. The escape
// of a lone surrogate, which no string can hold, becomes U+FFFD.
func (r Raw) Text() (string, bool) {
	if len(r) < 2 || r[0] != '"' {
		return "", false
	}
	return string(wire.Unquote(r)), true
}

// Int returns the integer that the text is, and false if it is none, is written
// with a fraction or an exponent, or is beyond 64 bits.
func (r Raw) Int() (int64, bool) { return wire.ParseInt(r) }

// Decode stores the value in what v points to, as encoding/json/v2 does, but
// names may repeat (the last counts) and members that v has no field for are
// ignored.
//
// Its error names the member, and not the Go type, so that it can be passed on.
func (r Raw) Decode(v any) error {
	err := json.Unmarshal(r, v, jsonOptions)
	var wrong *json.SemanticError
	if errors.As(err, &wrong) {
		return &decodeError{string(wrong.JSONPointer), wrong.JSONKind, err}
	}
	return err
}

// A decodeError is a SemanticError in words that are the same every time.
type decodeError struct {
	pointer string // RFC 6901
	kind    jsontext.Kind
	err     error
}

func (e *decodeError) Error() string {
	what := e.kind.String()
	switch e.kind {
	case '{':
		what = "an object"
	case '[':
		what = "an array"
	case '"', '0':
		what = "a " + what
	}
	if e.pointer == "" {
		return what + " is not what was expected here"
	}
	return what + " is not what was expected at " + e.pointer
}

func (e *decodeError) Unwrap() error { return e.err }

// String returns the text itself.
func (r Raw) String() string { return string(r) }

// MarshalJSON returns the text itself, null for an empty one.
func (r Raw) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

// UnmarshalJSON keeps a copy of the text.
func (r *Raw) UnmarshalJSON(text []byte) error {
	*r = append((*r)[:0], text...)
	return nil
}

// Lone surrogates' escapes and repeated names are nobody's business on the way
// through, so neither may stop or change a value.
var jsonOptions = json.JoinOptions(
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
	jsontext.PreserveRawStrings(true),
	json.Deterministic(true), // maps sorted by name
)

// JSON makes JSON of what is handed over as a body: Raw, []byte and
// json.RawMessage are taken as they are, any other value is encoded as
// encoding/json/v2 does it.
func JSON(body any) (Raw, error) {
	switch b := body.(type) {
	case Raw:
		return b, nil
	case []byte:
		return b, nil
	case jsontext.Value:
		return Raw(b), nil
	}
	var small [256]byte
	if e := (encoder{dst: small[:0]}); e.plain(body) {
		return bytes.Clone(e.dst), nil
	}
	return json.Marshal(body, jsonOptions)
}

// message makes a message that was read the user's; the body stays where it is.
func (n *Node) message(m *wire.Message) Message {
	names := &n.reader.names
	return Message{
		Src:  names.latest(&names.src, m.Src),
		Dest: names.latest(&names.dest, m.Dest),
		Type: names.latest(&names.typ, m.Body.Type),
		ID:   m.Body.ID, InReplyTo: m.Body.InReplyTo, Body: m.Body.Raw,
	}
}

// clone makes a message outlive the line that it was read from.
func (m Message) clone() Message {
	m.Body = append(Raw(nil), m.Body...)
	return m
}

// asError is the error that an error reply tells of. One without a code that can
// be read is taken as 13 crash, which promises nothing.
func (m Message) asError() *Error {
	code, ok := m.Body.Get("code").Int()
	text, _ := m.Body.Get("text").Text()
	if !ok {
		return &Error{Code: Crash, Text: "an error reply without a code: " + text}
	}
	e := &Error{Code: Code(code), Text: text}
	if after, ok := m.Body.Get("retry_after_ms").Int(); ok && after > 0 {
		e.RetryAfter = time.Duration(min(after, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	}
	return e
}

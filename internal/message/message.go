// Package message is the workbench's parser of messages. It shares no code
// with internal/wire: a judge that used the node's own parser could not see
// its mistakes.
package message

import "github.com/go-json-experiment/json/jsontext"

// None is the ID of a message that has no such id.
const None int64 = -1

// A Message is one message of the protocol.
type Message struct {
	Src, Dest string
	Body      []byte // the JSON object as it was written
	Type      string
	ID        int64 // msg_id, or None
	InReplyTo int64 // in_reply_to, or None
}

// IsRequest reports whether the message is a request: it needs a reply.
func (m *Message) IsRequest() bool { return m.ID != None && m.InReplyTo == None }

// IsReply reports whether the message is a reply.
func (m *Message) IsReply() bool { return m.InReplyTo != None }

// New returns a message whose body is complete: it has its type and its ids.
// The message keeps body.
func New(src, dest string, body []byte) (Message, error) {
	m, flaws, err := NewAny(src, dest, body)
	return m, firstError(flaws, err)
}

// NewAny returns a message whose body may be any object, and its flaws, as ParseAny
// does. The message keeps body.
func NewAny(src, dest string, body []byte) (Message, []Flaw, error) {
	m := Message{Src: src, Dest: dest, Body: body, ID: None, InReplyTo: None}
	r := readers.Get().(*reader)
	defer readers.Put(r)
	flaws, err := r.body(&m)
	return m, flaws, err
}

// Append appends a message's line without its newline. Receivers get src, dest
// and body; other members of an envelope are not passed on.
func Append(b []byte, src, dest string, body []byte) []byte {
	b = AppendQuote(append(b, `{"src":`...), src)
	b = AppendQuote(append(b, `,"dest":`...), dest)
	b = append(b, `,"body":`...)
	return append(append(b, body...), '}')
}

// AppendQuote appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func AppendQuote(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error reports invalid UTF-8
	return b
}

// Quote returns s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func Quote(s string) jsontext.Value { return AppendQuote(nil, s) }

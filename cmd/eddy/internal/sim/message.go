package sim

import "strings"

// None stands where a message has no such id.
const None int64 = -1

// A Message is one message, taken apart by whoever read it.
type Message struct {
	Src, Dest string
	Body      []byte // the JSON object as it came
	Type      string
	ID        int64 // msg_id, or None
	InReplyTo int64 // in_reply_to, or None
}

// IsRequest reports whether the message wants an answer.
func (m *Message) IsRequest() bool { return m.ID != None && m.InReplyTo == None }

// IsReply reports whether the message is one.
func (m *Message) IsReply() bool { return m.InReplyTo != None }

// AnyClient stands for every client in a [Link] of a fault.
const AnyClient = "c*"

// IsClient reports whether a name is a client's: c0, c1 and so on.
func IsClient(name string) bool {
	return len(name) > 1 && name[0] == 'c' && strings.Trim(name[1:], "0123456789") == ""
}

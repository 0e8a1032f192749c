package sim

import "strings"

// None is the value of an id that a message does not have.
const None int64 = -1

// A Message is a parsed message.
type Message struct {
	Src, Dest string
	Body      []byte // the JSON object as it was received
	Type      string
	ID        int64 // msg_id, or None
	InReplyTo int64 // in_reply_to, or None
}

// IsRequest reports whether the message expects a reply.
func (m *Message) IsRequest() bool { return m.ID != None && m.InReplyTo == None }

// IsReply reports whether the message is a reply.
func (m *Message) IsReply() bool { return m.InReplyTo != None }

// AnyClient stands for every client in a [Link].
const AnyClient = "c*"

// IsClient reports whether a name is the name of a client: c0, c1 and so on.
func IsClient(name string) bool {
	return len(name) > 1 && name[0] == 'c' && strings.Trim(name[1:], "0123456789") == ""
}

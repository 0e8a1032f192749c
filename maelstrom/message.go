package maelstrom

import (
	"encoding/json"

	"github.com/eddyrpc/eddy"
)

// A Message goes from Src to Dest. Its body is JSON text.
type Message struct {
	Src  string          `json:"src,omitempty"`
	Dest string          `json:"dest,omitempty"`
	Body json.RawMessage `json:"body,omitempty"`
}

// Type is the body's type, "" if it has none.
func (m *Message) Type() string {
	var body MessageBody
	if json.Unmarshal(m.Body, &body) != nil {
		return ""
	}
	return body.Type
}

// RPCError is the error that the body tells of, nil if it tells of none: one with
// a code other than 0, or of type error, whose code may be 0 timeout. A body that
// can't be read is a crash.
func (m *Message) RPCError() *RPCError {
	var body MessageBody
	if err := json.Unmarshal(m.Body, &body); err != nil {
		return NewRPCError(Crash, err.Error())
	}
	if body.Code == 0 && body.Type != "error" {
		return nil
	}
	if eddy.Raw(m.Body).Get("code") == nil {
		return NewRPCError(Crash, body.Text) // nothing is known of it
	}
	return NewRPCError(body.Code, body.Text)
}

// A MessageBody is the fields that any body may have.
type MessageBody struct {
	Type      string `json:"type,omitempty"`
	MsgID     int    `json:"msg_id,omitempty"`
	InReplyTo int    `json:"in_reply_to,omitempty"`
	Code      int    `json:"code,omitempty"`
	Text      string `json:"text,omitempty"`
}

// An InitMessageBody is the body of an init.
type InitMessageBody struct {
	MessageBody
	NodeID  string   `json:"node_id,omitempty"`
	NodeIDs []string `json:"node_ids,omitempty"`
}

package maelstrom

import (
	"encoding/json"
)

// A Message is sent from Src to Dest. Its body is JSON text.
type Message struct {
	Src  string          `json:"src,omitempty"`
	Dest string          `json:"dest,omitempty"`
	Body json.RawMessage `json:"body,omitempty"`
}

// Type returns the type of the body, "" if it has none.
func (m *Message) Type() string {
	var body MessageBody
	if json.Unmarshal(m.Body, &body) != nil {
		return ""
	}
	return body.Type
}

// RPCError returns the error of an error reply, nil if the body is none. An error reply has
// a code other than 0, or the type error, and then its code may be 0 (timeout). A body that
// cannot be decoded returns code 13 (crash).
func (m *Message) RPCError() *RPCError {
	var body MessageBody
	if err := json.Unmarshal(m.Body, &body); err != nil {
		return NewRPCError(Crash, err.Error())
	}
	if body.Code == 0 && body.Type != "error" {
		return nil
	}
	if member(m.Body, "code") == nil {
		return NewRPCError(Crash, body.Text) // which may have had an effect
	}
	return NewRPCError(body.Code, body.Text)
}

// A MessageBody has the fields that any body may have.
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

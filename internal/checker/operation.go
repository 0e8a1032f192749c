package checker

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// An Operation is a client's operation as an explanation shows it.
type Operation struct {
	Client  string        `json:"client"`
	Node    string        `json:"node"`
	MsgID   int64         `json:"msg_id"`
	Text    string        `json:"text"` // what it did, such as "read 4"
	Outcome string        `json:"outcome"`
	Error   string        `json:"error,omitzero"` // why it did not end ok
	From    time.Duration `json:"from_ns"`
	To      time.Duration `json:"to_ns,omitzero"` // 0 if it did not end
	Message int           `json:"message"`        // the index in the journal of its request; -1 if there is none
}

// operationOf returns an operation that did what text says.
func operationOf(op *history.Op, text string) Operation {
	return Operation{
		Client: op.Client, Node: op.Node, MsgID: op.MsgID, Text: text, Outcome: op.Outcome.String(), Error: op.Error,
		From: op.From, To: op.To, Message: -1,
	}
}

// Request returns the request of the operation.
func (o *Operation) Request() Request { return Request{o.Client, o.Node, o.MsgID} }

// String describes the operation in a line.
func (o *Operation) String() string {
	return fmt.Sprintf("%s, by %s at %s (msg_id %d), %s", o.Text, o.Client, o.Node, o.MsgID, o.period())
}

// period says when the operation began and how it ended.
func (o *Operation) period() string {
	from := seconds(o.From)
	switch {
	case o.To == 0:
		return "from " + from + ", no reply"
	case o.Outcome == history.Fail.String():
		return fmt.Sprintf("%s to %s, failed for sure: %s", from, seconds(o.To), o.Error)
	case o.Outcome == history.Indefinite.String():
		return fmt.Sprintf("%s to %s, may or may not have happened: %s", from, seconds(o.To), o.Error)
	}
	return from + " to " + seconds(o.To)
}

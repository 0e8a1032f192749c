// Package history is what clients asked of nodes and what came of it.
package history

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// An Outcome is how an operation ended.
type Outcome uint8

const (
	Open Outcome = iota // not yet, or never
	OK                  // it took effect, Result tells with what result
	Fail                // it surely took no effect
	Info                // it may have taken effect, or may yet
)

// IsDefinite reports whether an error reply's code says that nothing happened, so
// that its operation is a Fail and not an Info.
func IsDefinite(code int64) bool {
	switch code {
	case 1, 10, 11, 12, 14, 20, 21, 22, 30:
		return true
	}
	return false
}

var outcomes = []string{"open", "ok", "fail", "info"}

func (o Outcome) String() string { return outcomes[o] }

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the outcome's name.
func (o *Outcome) UnmarshalText(text []byte) error {
	i := slices.Index(outcomes, string(text))
	if i < 0 {
		return fmt.Errorf("%q is no outcome: want open, ok, fail or info", text)
	}
	*o = Outcome(i)
	return nil
}

// An Op is one operation, from its beginning to its end.
//
// Open and Info differ in that an Open one has no end: a checker takes both as
// something that may have taken effect at any time after From.
type Op struct {
	Process int            `json:"process"`         // one does one operation at a time; after an Info its client goes on under another number
	Client  string         `json:"client,omitzero"` // c0, c1, ...: the src of its request
	Node    string         `json:"node,omitzero"`   // whom it asked
	MsgID   int64          `json:"msg_id"`          // of its request
	Outcome Outcome        `json:"type"`
	F       string         `json:"f"` // what was asked for: echo, read, write, ...
	Key     int64          `json:"key,omitzero"`
	Value   jsontext.Value `json:"value,omitzero"`  // with what; nil if with nothing
	Result  jsontext.Value `json:"result,omitzero"` // of an OK
	Error   string         `json:"error,omitzero"`  // of a Fail or Info
	Code    int64          `json:"code,omitzero"`   // of an error reply
	Late    jsontext.Value `json:"late,omitzero"`   // of an Info: the result that came when its client had given up
	From    time.Duration  `json:"from"`            // since the test began, in nanoseconds
	To      time.Duration  `json:"to"`              // likewise; 0 while Open
	Final   bool           `json:"final,omitzero"`  // asked after all faults had ended
}

// Ended reports whether the operation has an end in time.
func (o *Op) Ended() bool { return o.Outcome != Open }

// IsErrorReply reports whether the operation was answered, and with an error. Its
// Error then is "error", the code and the text.
func (o *Op) IsErrorReply() bool { return strings.HasPrefix(o.Error, "error ") }

// String is the operation in a few words, for reasons and logs.
func (o *Op) String() string {
	s := fmt.Sprintf("%s by %s (process %d, msg_id %d) to %s", o.F, o.Client, o.Process, o.MsgID, o.Node)
	if o.Ended() {
		return fmt.Sprintf("%s, %.3fs to %.3fs", s, o.From.Seconds(), o.To.Seconds())
	}
	return fmt.Sprintf("%s, from %.3fs", s, o.From.Seconds())
}

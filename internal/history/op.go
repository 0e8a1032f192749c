// Package history records the operations of clients and their outcomes.
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
	Open       Outcome = iota // it has not ended
	OK                        // it took effect, with Op.Result
	Fail                      // it surely had no effect
	Indefinite                // it may have had an effect, or may still have one
)

// IsDefinite reports whether an error code means that the operation surely had no
// effect. Then its outcome is Fail, otherwise Indefinite.
func IsDefinite(code int64) bool {
	switch code {
	case 1, 10, 11, 12, 14, 20, 21, 22, 30:
		return true
	}
	return false
}

var outcomes = []string{"open", "ok", "fail", "indefinite"}

// String returns the outcome's name.
func (o Outcome) String() string {
	if int(o) >= len(outcomes) {
		return fmt.Sprintf("Outcome(%d)", uint8(o))
	}
	return outcomes[o]
}

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) {
	if int(o) >= len(outcomes) {
		return nil, fmt.Errorf("%v has no name", o)
	}
	return []byte(o.String()), nil
}

// UnmarshalText parses an outcome's name.
func (o *Outcome) UnmarshalText(text []byte) error {
	i := slices.Index(outcomes, string(text))
	if i < 0 {
		return fmt.Errorf("outcome %q: must be open, ok, fail or indefinite", text)
	}
	*o = Outcome(i)
	return nil
}

// An Op is one operation.
//
// An Indefinite operation has ended for its client and has a time To. An Open one
// has not. To a checker they are the same: they may have taken effect at any time
// after From.
//
// What a node wrote counts, also if the client no longer waited for it or the network
// lost it. Then the outcome is that of the reply, To is when the node wrote it, and
// GaveUp is when the client stopped waiting. For the client the operation was
// indefinite: see Seen.
type Op struct {
	Process int            `json:"process"`         // does one operation at a time; after an Indefinite one the client continues as another process
	Client  string         `json:"client,omitzero"` // c0, c1, ...: the src of the request
	Node    string         `json:"node,omitzero"`   // the dest of the request
	MsgID   int64          `json:"msg_id"`          // of the request
	Outcome Outcome        `json:"type"`
	F       string         `json:"f"`               // the function: echo, read, write, ...
	Key     int64          `json:"key"`             // 0 if the function has no key
	Value   jsontext.Value `json:"value,omitzero"`  // the argument; nil if there is none
	Result  jsontext.Value `json:"result,omitzero"` // of an OK
	Error   string         `json:"error,omitzero"`  // of a Fail or Indefinite
	Code    int64          `json:"code,omitzero"`   // of an error reply
	From    time.Duration  `json:"from"`            // since the test began, in nanoseconds
	To      time.Duration  `json:"to"`              // since the test began, in nanoseconds; 0 if Open
	GaveUp  time.Duration  `json:"gave_up,omitzero"`
	Final   bool           `json:"final,omitzero"` // it belongs to the final phase, after all faults

	// Again reports that this is not an operation, but a further reply to the request
	// of an earlier one, which was delivered more than once. An OK has a result that
	// the node gave, too. A Fail says what the node observed. Neither had an effect
	// that the operation did not have.
	Again bool `json:"again,omitzero"`
}

// Ended reports whether the operation has ended.
func (o *Op) Ended() bool { return o.Outcome != Open }

// InTime reports whether the client got the reply that the outcome is from.
func (o *Op) InTime() bool { return o.GaveUp == 0 }

// Seen returns the outcome for the client, and when it ended.
func (o *Op) Seen() (Outcome, time.Duration) {
	if !o.InTime() {
		return Indefinite, o.GaveUp
	}
	return o.Outcome, o.To
}

// IsErrorReply reports whether the reply was an error. Then Error is "error", the
// code and the text.
func (o *Op) IsErrorReply() bool { return strings.HasPrefix(o.Error, "error ") }

// String describes the operation for reasons and logs.
func (o *Op) String() string {
	s := fmt.Sprintf("%s by %s (process %d, msg_id %d) to %s", o.F, o.Client, o.Process, o.MsgID, o.Node)
	if !o.Ended() {
		return fmt.Sprintf("%s, from %.3fs", s, o.From.Seconds())
	}
	s = fmt.Sprintf("%s, %.3fs to %.3fs", s, o.From.Seconds(), o.To.Seconds())
	if !o.InTime() {
		s += fmt.Sprintf(" (the client stopped waiting at %.3fs)", o.GaveUp.Seconds())
	}
	return s
}

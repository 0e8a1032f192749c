// Package checker checks what happened in a test: pure functions take a history and
// a journal and return problems and numbers.
package checker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/spread"
)

// A Problem is a violation by the nodes, or a reason why a check cannot decide.
type Problem struct {
	Check   string        // the name of the check, such as "double-reply"
	Text    string        // for people; it names nodes, ids and times. The first line says what is wrong, the others explain it
	At      time.Duration // when it showed
	Unknown bool          // it is not a violation: the check could not decide
	Record  int           // 1 + the index in the journal of the message that shows it; 0 if there is none

	// Protocol reports that it is about messages only: the answers that clients got may
	// all be right.
	Protocol bool

	// Count is how many such problems there were, if only this one was kept of them;
	// 0 means 1.
	Count int

	// Involved are the indices in the journal of all messages that are needed to
	// understand the problem, in their order, such as those of the call that
	// failed.
	Involved []int

	// Requests are the clients' requests of the operations that contradict each
	// other.
	Requests []Request

	// Cycle is set if transactions contradict each other.
	Cycle *Cycle

	// Register is set if no order of the operations on a key explains one of them.
	Register *Register

	// Way is set if an element is missing at a node. FollowElements completes it.
	Way *spread.Way
}

// A Request identifies a client's request.
type Request struct {
	Client, Node string
	MsgID        int64
}

// A Number is a result that is neither good nor bad.
type Number struct {
	Name  string
	Value any
}

// A Verdict is the result of a test. Its zero value is Unknown, so that no test
// passes by default.
type Verdict uint8

const (
	Unknown Verdict = iota
	Fail
	Pass
)

var verdicts = []string{"unknown", "fail", "pass"}

// String returns the verdict's name.
func (v Verdict) String() string {
	if int(v) >= len(verdicts) {
		return fmt.Sprintf("Verdict(%d)", uint8(v))
	}
	return verdicts[v]
}

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) {
	if int(v) >= len(verdicts) {
		return nil, fmt.Errorf("%v has no name", v)
	}
	return []byte(v.String()), nil
}

// Judge returns the verdict on a test. checked reports whether there was anything
// to check. A violation outweighs what could not be decided.
func Judge(problems []Problem, checked bool) Verdict {
	verdict := Pass
	if !checked {
		verdict = Unknown
	}
	for i := range problems {
		if !problems[i].Unknown {
			return Fail
		}
		verdict = Unknown
	}
	return verdict
}

// Sort sorts problems: violations come first, and earlier problems before later
// ones. The first problem is the main reason for the verdict.
func Sort(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.Unknown != b.Unknown {
			if a.Unknown {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.At, b.At)
	})
}

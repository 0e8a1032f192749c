// Package checker judges what happened: a history and a journal go in, problems
// and numbers come out. Everything in it is a pure function.
package checker

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Problem is something that is wrong with what the nodes did, or that keeps
// us from saying that nothing is.
type Problem struct {
	Check   string        // the check that saw it, such as "double-answer"
	Text    string        // for people; names nodes, ids and times
	At      time.Duration // when it showed
	Unknown bool          // not a violation: the check could not tell
	Record  int           // 1 + the journal's index of the message that shows it; 0 if there is none

	// Involved are the journal's indices of all messages that one must see to
	// understand it, in their order, as those of the call that went wrong.
	Involved []int

	// Asked are the requests of the operations that it is about, as their clients
	// sent them.
	Asked []Asked
}

// An Asked is a client's request.
type Asked struct {
	Client, Node string
	MsgID        int64
}

// A Number is a result that is not good or bad in itself.
type Number struct {
	Name  string
	Value any
}

// A Verdict is what a test comes to. Its zero value is Unknown, so that nothing
// passes because somebody forgot to look.
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

// Judge is the verdict that problems come to, given that the test could be
// checked at all: that there were operations to judge, and some of them were
// OK. A violation outweighs what could not be told.
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

// Sort puts violations first, and what showed earlier before what showed later:
// the first of them is the reason for the verdict.
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

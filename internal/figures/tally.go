package figures

import (
	"errors"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/watch"
)

// A Tally counts what happens to one call. The hooks of the call call its methods.
type Tally struct {
	Begun   time.Time     // when the call began
	Retries int           // attempts after a failure
	Hedges  int           // attempts after the delay of a hedge
	Paused  time.Duration // how long the call waited for no attempt, before it sent the next one

	failed   int           // the attempt that failed last
	waited   time.Duration // how long that waited
	outcomes map[int]Outcome
}

// Begin returns the Tally of a call that begins now.
func Begin() *Tally { return &Tally{Begun: time.Now()} }

// Sent counts an attempt that was sent.
func (t *Tally) Sent(c *watch.Call, s watch.Sent) {
	switch {
	case s.Attempt == 1:
		return
	case s.After == nil && hedges(c, s.Attempt-1):
		t.Hedges++
	default:
		t.Retries++
	}
	if t.failed == s.Attempt-1 {
		t.Paused += max(s.Waited-t.waited, 0)
	}
}

// Failed notes that an attempt has failed.
func (t *Tally) Failed(f watch.Failed) {
	t.failed, t.waited = f.Attempt, f.Waited
	if f.Err == nil {
		return
	}
	o := Outcome{Kind: Rejected}
	if reply := (*eddy.Error)(nil); errors.As(f.Err, &reply) {
		o = Outcome{ErrorReply, reply.Code}
	}
	if t.outcomes == nil {
		t.outcomes = make(map[int]Outcome)
	}
	t.outcomes[f.Attempt] = o
}

// OfAttempt returns the outcome of an attempt, from 1, of a call that has ended.
func (t *Tally) OfAttempt(c *watch.Call, e watch.CallEnd, attempt int) Outcome {
	a := e.Attempts[attempt-1]
	switch o, failed := t.outcomes[attempt]; {
	case e.Err == nil && attempt == e.Answered: // also if RetryIf wanted another reply
		return Outcome{Kind: OK}
	case failed:
		return o
	case a.TimedOut && !a.Answered && !hedges(c, attempt):
		return Outcome{Kind: Timeout}
	}
	return Outcome{Kind: Unanswered}
}

// hedges reports whether the timeout of an attempt is the delay of a hedge.
func hedges(c *watch.Call, attempt int) bool {
	return c.Policy != nil && c.Policy.Hedges(attempt)
}

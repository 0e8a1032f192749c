package calls

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// A Call is what the program asked for; each of its attempts is one message that
// is sent for it. O is what the owner of the table keeps with a call.
//
// An open call costs 112 bytes where O is two words (bench, open).
type Call[O any] struct {
	Record
	Fields string // the body without its ids, as each attempt carries it
	Owner  O

	scheduled *scheduled[O] // nil if the policy is simple

	queue      *queue[O] // where the call waits, if anywhere
	next, prev *Call[O]  // in that queue
}

func (c *Call[O]) bytes() int64 { return int64(len(c.Fields) + len(c.Peer.Name)) }

// A Record is what became of a call.
type Record struct {
	Peer   *Peer
	Policy *retry.Policy // nil is the default

	// Blocking means that a goroutine waits for the end of the call.
	Blocking bool

	state   state // of the latest attempt, as are the next four
	number  int32 // from 1; 0 before the first
	id      int64 // its msg_id
	written time.Duration
	earlier *attempt // those before, latest first

	outcomes *outcomes // nil if the call has no schedule
}

// An attempt is one that is not its call's latest any more.
type attempt struct {
	id      int64
	written time.Duration // when its message had been written; -1 before
	state   state
	number  int32
	earlier *attempt
}

type state uint8

const (
	timedOut state = 1 << iota
	answered       // its reply counted
	replied        // the schedule knows of its reply
)

// Sent returns how many attempts were sent.
func (c *Record) Sent() int { return int(c.number) }

// Waiting returns how long the latest attempt has waited since it was written.
func (c *Record) Waiting(now time.Duration) time.Duration {
	if c.written < 0 {
		return 0
	}
	return now - c.written
}

// Schedule returns the schedule that decides for c, nil if its policy is simple.
func (c *Call[O]) Schedule() *schedule.Schedule {
	if c.scheduled == nil {
		return nil
	}
	return &c.scheduled.Schedule
}

// LastError returns the error reply that the attempt received that finished last, nil if
// it timed out or the call has no schedule.
func (c *Record) LastError() error {
	if c.outcomes == nil {
		return nil
	}
	return c.outcomes.last
}

// begin makes a new attempt the latest.
func (c *Record) begin(id int64) {
	if c.number > 0 {
		a := c.latest()
		c.earlier = &a
	}
	c.id, c.written, c.state = id, -1, 0
	c.number++
}

func (c *Record) latest() attempt {
	return attempt{c.id, c.written, c.state, c.number, c.earlier}
}

// with returns the attempt whose message had this id, and where its state is kept.
func (c *Record) with(id int64) (attempt, *state) {
	if c.id == id {
		return c.latest(), &c.state
	}
	a := c.earlier
	for a.id != id {
		a = a.earlier
	}
	return *a, &a.state
}

// An Outcome is what became of one attempt of a call that is over.
type Outcome struct {
	ID       int64
	Waited   time.Duration // from when its message was written until its timeout, its reply or the end of the call
	TimedOut bool
	Answered bool
	Err      error // what an error reply said that a schedule was told of
}

// Outcomes returns what became of each attempt of a call that ended at a time.
func (c *Record) Outcomes(ended time.Duration) []Outcome {
	all := make([]Outcome, c.number)
	latest := c.latest()
	for a := &latest; a != nil && a.number > 0; a = a.earlier {
		o := Outcome{ID: a.id, TimedOut: a.state&timedOut != 0, Answered: a.state&answered != 0}
		switch {
		case c.outcomes != nil && c.outcomes.fill(&o, int(a.number)):
		case a.written < 0: // it is still in the buffer
		case o.TimedOut && !o.Answered:
			o.Waited = c.Policy.AttemptTimeout(int(a.number))
		default:
			o.Waited = ended - a.written
		}
		all[a.number-1] = o
	}
	return all
}

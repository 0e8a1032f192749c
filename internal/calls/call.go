package calls

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/observer"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// A Call is what the program asked for. Each of its attempts is one message that is sent
// for it. O is what the user of the table keeps with a call.
//
// An open call that has sent one attempt costs 96 bytes where O is two words
// (bench, open).
type Call[O any] struct {
	Peer   *Peer
	Policy *retry.Policy // nil means the default
	Fields string        // the body without its ids, as each attempt carries it
	Owner  O

	// Blocking means that a goroutine waits for the end of the call.
	Blocking bool

	watched bool  // hooks are told of the call
	where   where // the queue that the call is in

	// The latest attempt.
	state   state
	number  int32         // from 1; 0 before the first attempt
	id      int64         // its msg_id
	written time.Duration // when its message had been written; -1 before

	more *more[O] // nil for a call without a retry, a schedule and hooks

	next, prev *Call[O] // in its queue
}

// A more is what most calls do not need.
type more[O any] struct {
	earlier   []attempt // all but the latest
	scheduled *scheduled[O]
	watched   *observer.Call
}

// An attempt is one that is not the latest of its call any more.
type attempt struct {
	id      int64
	written time.Duration // when its message had been written; -1 before
	state   state
}

type state uint8

const (
	timedOut state = 1 << iota
	answered       // its reply came and counted
	replied        // its reply came; set only if the call has a schedule
)

func (c *Call[O]) bytes() int64 {
	n := int64(len(c.Fields) + len(c.Peer.Name))
	if s := c.scheduled(); s != nil {
		n += s.texts
	}
	return n
}

// Dest returns the node that is called.
func (c *Call[O]) Dest() string { return c.Peer.Name }

// Sent returns how many attempts were sent.
func (c *Call[O]) Sent() int { return int(c.number) }

// Waiting returns how long ago the latest attempt was written, 0 if it was not.
func (c *Call[O]) Waiting(now time.Duration) time.Duration {
	if c.written < 0 {
		return 0
	}
	return now - c.written
}

// Schedule returns the schedule that decides for c, nil if c needs none.
func (c *Call[O]) Schedule() *schedule.Schedule {
	if s := c.scheduled(); s != nil {
		return &s.Schedule
	}
	return nil
}

func (c *Call[O]) scheduled() *scheduled[O] {
	if c.more == nil {
		return nil
	}
	return c.more.scheduled
}

// Watch sets what tells hooks of c, before the first attempt.
func (c *Call[O]) Watch(o *observer.Call) { c.watched, c.needMore().watched = true, o }

// Watched returns what tells hooks of c, nil if nothing does. Unlike the other methods, it may be
// called from any goroutine.
func (c *Call[O]) Watched() *observer.Call {
	if !c.watched {
		return nil
	}
	return c.more.watched
}

func (c *Call[O]) needMore() *more[O] {
	if c.more == nil {
		c.more = new(more[O])
	}
	return c.more
}

// LastError returns the error reply to the attempt that finished last, nil if that attempt
// timed out or the call has no schedule.
func (c *Call[O]) LastError() error {
	if s := c.scheduled(); s != nil {
		return s.last
	}
	return nil
}

// begin makes a new attempt the latest.
func (c *Call[O]) begin(id int64) {
	if c.number > 0 {
		more := c.needMore()
		if more.earlier == nil {
			more.earlier = make([]attempt, 0, 2) // enough for the default policy
		}
		more.earlier = append(more.earlier, attempt{c.id, c.written, c.state})
	}
	c.id, c.written, c.state = id, -1, 0
	c.number++
}

// earlier returns the attempts before the latest.
func (c *Call[O]) earlier() []attempt {
	if c.more == nil {
		return nil
	}
	return c.more.earlier
}

// with returns the attempt with this msg_id: its number, when it was written, and a pointer to
// its state.
func (c *Call[O]) with(id int64) (n int, written time.Duration, s *state) {
	if c.id == id {
		return c.Sent(), c.written, &c.state
	}
	earlier := c.earlier()
	n = slices.IndexFunc(earlier, func(a attempt) bool { return a.id == id })
	return n + 1, earlier[n].written, &earlier[n].state
}

// An Outcome is what became of one attempt of a call that has ended.
type Outcome struct {
	ID       int64
	Written  time.Duration // when its message had been written; -1 if that is not known
	Waited   time.Duration // from when its message was written until its timeout, its reply or the end of the call
	TimedOut bool
	Answered bool
	Err      error // its error reply, if the call has a schedule
}

// Outcomes returns what became of each attempt of a call that ended at a time.
func (c *Call[O]) Outcomes(ended time.Duration) []Outcome {
	if c.number == 0 {
		return nil
	}
	all := make([]Outcome, 0, c.number)
	for i, a := range append(slices.Clip(c.earlier()), attempt{c.id, c.written, c.state}) {
		o := Outcome{ID: a.id, Written: a.written, TimedOut: a.state&timedOut != 0, Answered: a.state&answered != 0}
		switch s := c.scheduled(); {
		case s != nil && s.fill(&o, i+1):
		case a.written < 0: // it was not written
		case o.TimedOut && !o.Answered:
			o.Waited = c.Policy.AttemptTimeout(i + 1)
		default:
			o.Waited = ended - a.written
		}
		all = append(all, o)
	}
	return all
}

package calls

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// A scheduled is what the table keeps for a call that needs a schedule.Schedule, because its
// policy is not simple or it has a deadline. It is allocated apart, so that it costs one
// word in the calls that need none.
type scheduled[O any] struct {
	schedule.Schedule
	timer    timer[O]
	outcomes outcomes
}

// outcomes are what became of the attempts of a call so far.
type outcomes struct {
	all  []outcome // in the order of the attempts
	last error     // the error reply to the attempt that finished last; nil if that timed out
}

type outcome struct {
	waited time.Duration // until its timeout or its reply
	err    error         // its error reply
}

func (s *outcomes) of(n int) *outcome {
	for len(s.all) < n {
		s.all = append(s.all, outcome{})
	}
	return &s.all[n-1]
}

// fill sets what became of attempt n. It returns false if the attempt still waits.
func (s *outcomes) fill(o *Outcome, n int) bool {
	if n > len(s.all) {
		return false
	}
	o.Waited, o.Err = s.all[n-1].waited, s.all[n-1].err
	return o.TimedOut || o.Answered
}

// Schedule gives c, which has no attempt yet, a schedule. It returns Send, or GiveUp if the
// deadline has passed.
func (t *Table[O]) Schedule(c *Call[O], start schedule.Start) schedule.Decision {
	s := &scheduled[O]{}
	s.timer.call, s.timer.at = c, notSet
	decision := s.Begin(c.Policy, start)
	if decision.Action == schedule.Send {
		c.scheduled, c.outcomes = s, &s.outcomes
		t.timeouts.timers.set(&s.timer, decision.Until)
	}
	return decision
}

// replyScheduled is Reply for a call with a schedule.
func (t *Table[O]) replyScheduled(c *Call[O], r Reply) schedule.Decision {
	a, state := c.with(r.ID)
	if *state&replied != 0 {
		t.Stats.Strays++
		return schedule.Decision{Action: schedule.Wait}
	}
	*state |= replied
	s, now := c.scheduled, max(t.now, r.At) // the time of a schedule must not run backward
	var decision schedule.Decision
	if r.Failure == nil {
		decision = s.Reply(now, int(a.number), a.written)
	} else {
		decision = s.ErrorReply(now, int(a.number), a.written, *r.Failure)
	}
	late := *state&timedOut != 0
	if late {
		t.late(c.Peer)
	}
	if schedule.Accepts(c.Policy, late) {
		*state |= answered
		o := s.outcomes.of(int(a.number))
		o.err, s.outcomes.last = r.Err, r.Err
		if a.written >= 0 {
			o.waited = now - a.written
		}
	}
	t.follow(c, decision)
	return decision
}

// dueScheduled returns what is to be done for a call whose timer is due.
func (t *Table[O]) dueScheduled(c *Call[O], now time.Duration) schedule.Decision {
	s := c.scheduled
	decision := s.Due(now)
	if c.state&(timedOut|answered) == 0 && (decision.Action == schedule.Send || s.TimedOut()) {
		c.state |= timedOut
		s.outcomes.last = nil
		s.outcomes.of(int(c.number)).waited = now - c.written
	}
	t.follow(c, decision)
	return decision
}

// follow changes the table as a decision says.
func (t *Table[O]) follow(c *Call[O], d schedule.Decision) {
	switch d.Action {
	case schedule.Settle, schedule.GiveUp:
		t.drop(c)
		return
	case schedule.Send, schedule.Pause:
		if c.queue != nil { // the attempt before may not be written yet
			t.timeouts.remove(c)
		}
	}
	t.timeouts.timers.set(&c.scheduled.timer, d.Until)
}

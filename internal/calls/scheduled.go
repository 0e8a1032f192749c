package calls

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/watch"
)

// A scheduled is what the table keeps for a call that needs a schedule.Schedule, because its
// policy is not simple or it has a deadline. Few calls have one.
type scheduled[O any] struct {
	schedule.Schedule
	timer    timer[O]
	outcomes []outcome // of the attempts so far, in their order
	texts    int64     // bytes of the error replies in outcomes
	last     error     // the error reply to the attempt that finished last; nil if that timed out
}

type outcome struct {
	waited time.Duration // until its timeout or its reply
	err    error         // its error reply
}

func (s *scheduled[O]) outcome(n int) *outcome {
	for len(s.outcomes) < n {
		s.outcomes = append(s.outcomes, outcome{})
	}
	return &s.outcomes[n-1]
}

// fill sets what became of attempt n. It returns false if the attempt still waits.
func (s *scheduled[O]) fill(o *Outcome, n int) bool {
	if n > len(s.outcomes) {
		return false
	}
	o.Waited, o.Err = s.outcomes[n-1].waited, s.outcomes[n-1].err
	return o.TimedOut || o.Answered
}

// Schedule gives c, which has no attempt yet, a schedule. It returns Send, or GiveUp if the
// deadline has passed.
func (t *Table[O]) Schedule(c *Call[O], start schedule.Start) schedule.Decision {
	s := &scheduled[O]{}
	s.timer.call, s.timer.at = c, notSet
	decision := s.Begin(c.Policy, start)
	if decision.Action == schedule.Send {
		c.needMore().scheduled = s
		t.timeouts.timers.set(&s.timer, decision.Until)
	}
	return decision
}

// replyScheduled is Reply for a call with a schedule.
func (t *Table[O]) replyScheduled(c *Call[O], r Reply) schedule.Decision {
	attempt, written, state := c.with(r.ID)
	if *state&replied != 0 {
		t.Stats.Strays++
		return schedule.Decision{Action: schedule.Wait}
	}
	*state |= replied
	s, now := c.scheduled(), max(t.now, r.At) // the time of a schedule must not run backward
	var decision schedule.Decision
	if r.Failure == nil {
		decision = s.Reply(now, attempt, written)
	} else {
		decision = s.ErrorReply(now, attempt, written, *r.Failure)
	}
	late := *state&timedOut != 0
	accepted := schedule.Accepts(c.Policy, late)
	if late {
		t.late(c, watch.Late{Attempt: attempt, ID: r.ID, Waited: now - written, Ignored: !accepted})
	}
	if accepted {
		*state |= answered
		o := s.outcome(attempt)
		o.err, s.last = r.Err, r.Err
		if r.Err != nil {
			text := int64(len(r.Err.Error()))
			s.texts += text
			t.bytes += text
		}
		if written >= 0 {
			o.waited = now - written
		}
		if r.Err != nil {
			c.failed(r, attempt, written, decision)
		}
	}
	t.follow(c, decision)
	return decision
}

// next returns what hooks are told of a decision after an attempt has failed.
func next(d schedule.Decision, now time.Duration) watch.Next {
	switch d.Action {
	case schedule.Send:
		return watch.Next{Again: true}
	case schedule.Pause:
		return watch.Next{Again: true, In: d.Until - now}
	case schedule.Wait:
		return watch.Next{In: d.Until - now, Why: d.Reason}
	}
	return watch.Next{Why: d.Reason}
}

// dueScheduled returns what is to be done for a call whose timer is due.
func (t *Table[O]) dueScheduled(c *Call[O], now time.Duration) schedule.Decision {
	s := c.scheduled()
	decision := s.Due(now)
	if c.state&(timedOut|answered) == 0 && (decision.Action == schedule.Send || s.TimedOut()) {
		c.state |= timedOut
		s.last = nil
		waited := now - c.written
		s.outcome(c.Sent()).waited = waited
		c.Watched().Failed(watch.Failed{Attempt: c.Sent(), ID: c.id, Waited: waited, Next: next(decision, now)})
	}
	t.follow(c, decision)
	return decision
}

// follow changes the table as a decision says.
func (t *Table[O]) follow(c *Call[O], d schedule.Decision) {
	c.Watched().Decided(c.Sent()+1, d.Reason)
	switch d.Action {
	case schedule.Settle, schedule.GiveUp:
		t.drop(c)
		return
	case schedule.Send, schedule.Pause:
		t.unqueue(c) // the attempt before may not be written yet
	}
	t.timeouts.timers.set(&c.scheduled().timer, d.Until)
}

// end says that the call is not open any more.
func (s *scheduled[O]) end(t *Table[O]) {
	s.End()
	t.timeouts.timers.stop(&s.timer)
}

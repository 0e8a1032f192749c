package eddy

import (
	"context"
	"errors"
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// A guided call is one whose policy is not plain, or that has a deadline: its
// guide, a schedule.Schedule, is told of all that happens and says what comes next.
// A plain call needs none: all that can come next is in schedule.AfterTimeout.
type guide = calls.Guide[owner]

// A start is what a guided call knows when it begins.
type start struct {
	schedule.Start
	kept bool // its deadline is its context's, which ends the call
}

// startOf is what a guided call that is made for a request, if any, knows when it
// begins; nil if the call is plain.
func (n *Node) startOf(ctx context.Context, policy *Policy, request *Request) *start {
	if ctx == noneOwn && !request.hasTerms() && !schedule.Needed(policy) {
		return nil // at once, since this is the rule, and deep in a stack that should stay small (bench, open)
	}
	return n.guidedStart(ctx, policy, request)
}

func (n *Node) guidedStart(ctx context.Context, policy *Policy, request *Request) *start {
	t := request.terms()
	deadline := t.deadline
	if ctx != noneOwn {
		if at, ok := ctx.Deadline(); ok {
			deadline = min(deadline, max(at.Sub(n.start), 1))
		}
	}
	if deadline == schedule.Never && !schedule.Needed(policy) {
		return nil
	}
	start := &start{kept: deadline < t.deadline}
	start.Start = schedule.Start{OnBehalfOfRetry: t.retry, CallNumber: n.life.number.Add(1), Incarnation: n.life.seed()}
	if deadline != schedule.Never {
		start.Deadline = deadline
	}
	return start
}

// guide opens a guided call, unless its deadline has passed. mu is held.
func (n *Node) guide(c *call, s *start, to *destination) error {
	s.Now, s.Dest, s.Node = n.now(), &to.shared, &n.window
	if next := n.calls.Begin(c, s.Start, s.kept); next.Action == schedule.GiveUp {
		return &CallError{c, &callEnd{err: Timeout, reason: next.Reason}}
	}
	n.setAlarm()
	return nil
}

// replyGuided does what the guide of a call says to a reply. mu is held, and
// unlocked.
func (n *Node) replyGuided(c *call, reply Message) {
	now, g := n.now(), n.calls.Guide(c)
	var failed *schedule.Failure
	var err error
	if n.isError(reply) {
		e := reply.asError()
		failed, err = &schedule.Failure{Code: int(e.Code), Definite: e.Code.Definite(), RetryAfter: e.RetryAfter}, e
	}
	next, arrival := n.calls.Answer(c, reply.InReplyTo, now, failed, err)
	n.count(arrival, reply.Src)
	var s silence
	switch {
	case next.Action != schedule.Send:
	case n.full():
		n.calls.Postpone(c)
	default:
		s = n.again(c, g, now)
	}
	n.setAlarm()
	n.mu.Unlock()
	switch next.Action {
	case schedule.Settle:
		n.end(c, reply, nil)
	case schedule.GiveUp:
		n.end(c, reply, guidedFailure(c, g, now))
	case schedule.Send:
		if s.call != nil {
			n.logRetry(s)
		}
	}
}

// guidedFailure is the error of a call whose guide has given up: the last real
// one that an attempt has met.
func guidedFailure(c *call, g *guide, at time.Duration) *CallError {
	end := &callEnd{err: g.Last, at: at, reason: g.Reason, met: g.Met}
	if end.err == nil {
		end.err = Timeout
	}
	return &CallError{c, end}
}

// cancelled is the error of a call that was ended from outside. If that was its
// context's deadline, it is the guide's.
func cancelled(c *call, g *guide, at time.Duration, cause error) *CallError {
	if g == nil {
		return failure(c, at, cause)
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		g.Reason = DeadlinePassed
		return guidedFailure(c, g, at)
	}
	return &CallError{c, &callEnd{err: cause, at: at, met: g.Met}}
}

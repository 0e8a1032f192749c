// Package schedule decides for one call when to send an attempt, how long to wait
// and when to give up, as a [retry.Policy] says. It also holds what the calls to one
// destination share: an [Estimator] of its round trips and a budget [Window].
//
// The package is pure: it has no clock, no input or output, no goroutine. Its caller
// passes the time, as a duration since any origin. A node and every simulation run
// this code, so what a simulation says about a policy is true for the node.
package schedule

import (
	"cmp"
	"math"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A Destination is what the calls to one destination share. The zero value is a
// destination about which nothing is known.
type Destination struct {
	Estimator Estimator
	Window    Window
}

// A Start is what a call knows when it begins. Only Now is required.
type Start struct {
	Now time.Duration
	// Deadline is when the caller's context or the request that the call serves
	// ends; 0 means never. The deadline of the policy holds, too.
	Deadline time.Duration
	// OnBehalfOfRetry means that the call is made for a request that is a retry. If
	// the policy propagates, the call then has one attempt.
	OnBehalfOfRetry bool
	// CallNumber is the number of the call, and Incarnation a random number of this
	// run of the process. They make the random pauses of calls differ.
	CallNumber, Incarnation uint64
	// Dest and Node are shared with other calls. Nil means that nothing is shared.
	Dest *Destination
	Node *Window
}

// A Schedule decides for one call. Its owner tells it what happens and when. Each of
// these methods returns a Decision, and the latest decision is in force:
//
//	Begin               the call begins
//	Written             the message of its latest attempt was written out
//	Due                 the time Until of the latest decision has come
//	Reply, ErrorReply   an attempt was answered
//
// Times must not run backward. The owner tells it of at most one reply to each
// attempt, and of nothing after Settle or GiveUp.
type Schedule struct {
	policy   *retry.Policy // not nil
	dest     *Destination
	node     *Window
	random   uint64
	begun    time.Duration
	deadline time.Duration // Never if there is none
	until    time.Duration // of the latest decision
	written  time.Duration // when the latest attempt was written out; -1 before
	timeout  time.Duration // of the latest attempt, regardless of the deadline
	pause    time.Duration // the latest one
	sent     int32
	limit    int32
	open     int32  // attempts whose replies would count
	state    Action // Send until the latest attempt is written out, then Wait or Pause
	timedOut bool   // the latest attempt has timed out
	forRetry bool   // on behalf of a retry, so that there is only one attempt
	stopped  Reason // why there will be no further attempt
}

// standard is the policy of calls without one.
var standard retry.Policy

// Begin begins a call by p, or by the default policy if p is nil. It returns Send, or
// GiveUp if the deadline has passed already.
func (s *Schedule) Begin(p *retry.Policy, start Start) Decision {
	if p == nil {
		p = &standard
	}
	*s = Schedule{policy: p, dest: start.Dest, node: start.Node, begun: start.Now, deadline: Never,
		limit:  int32(min(p.MaxAttempts(), math.MaxInt32)),
		random: mix(cmp.Or(p.Backoff.Seed, start.Incarnation)) ^ start.CallNumber,
	}
	if start.Deadline != 0 {
		s.deadline = start.Deadline
	}
	if p.Deadline > 0 {
		s.deadline = min(s.deadline, plus(start.Now, p.Deadline))
	}
	if start.OnBehalfOfRetry && p.Propagate {
		s.limit, s.forRetry = 1, true
	}
	if limits(p.Budget) {
		addCall(start.Now, s.windows())
	}
	if start.Now >= s.deadline {
		return giveUp(DeadlinePassed)
	}
	return s.send()
}

// Written says that the message of the latest attempt has been written out. Its
// timeout begins.
func (s *Schedule) Written(now time.Duration) Decision {
	s.written, s.timedOut = now, false
	s.timeout = s.nextTimeout()
	s.state, s.until = Wait, min(plus(now, s.timeout), s.deadline)
	return s.current()
}

// nextTimeout returns the timeout of the latest attempt.
func (s *Schedule) nextTimeout() time.Duration {
	p := s.policy
	switch {
	case s.sent >= s.limit: // on behalf of a retry, the first attempt is the last
		return s.lastTimeout()
	case p.Adaptive == nil || p.Hedge > 0:
		return p.AttemptTimeout(int(s.sent))
	}
	return s.estimate()
}

// lastTimeout returns the timeout of the last attempt.
func (s *Schedule) lastTimeout() time.Duration {
	p := s.policy
	if p.Adaptive == nil || p.LastTimeout > 0 {
		return p.AttemptTimeout(p.MaxAttempts())
	}
	return s.estimate()
}

// estimate returns the adaptive timeout.
func (s *Schedule) estimate() time.Duration {
	e := &Estimator{}
	if s.dest != nil {
		e = &s.dest.Estimator
	}
	return e.Timeout(*s.policy.Adaptive, cmp.Or(s.policy.Timeout, retry.DefaultTimeout))
}

// Due says that the time Until of the latest decision has come.
func (s *Schedule) Due(now time.Duration) Decision {
	if s.state == Wait {
		s.noteTimeout(now)
	}
	switch {
	case now < s.until:
		return s.current() // too early
	case s.stopped != NoReason:
		return giveUp(s.stopped)
	case now >= s.deadline:
		return giveUp(DeadlinePassed)
	case s.state == Pause:
		return s.send()
	}
	return s.tryAgain(now, 0)
}

// noteTimeout notes the timeout of the latest attempt, if it has passed.
func (s *Schedule) noteTimeout(now time.Duration) {
	if s.timedOut || now < plus(s.written, s.timeout) {
		return
	}
	s.timedOut = true
	if !Accepts(s.policy, true) {
		s.open--
	}
	// A fixed timeout or a hedge that ends tells nothing about the estimate.
	hedged := s.policy.Hedge > 0 && s.sent < s.limit
	if s.dest != nil && s.policy.Adaptive != nil && !hedged {
		s.dest.Estimator.TimedOut(s.written, now)
	}
}

// tryAgain decides on one more attempt, now or after a pause. pushback is how long
// the callee asks the caller to wait.
func (s *Schedule) tryAgain(now, pushback time.Duration) Decision {
	if s.sent >= s.limit {
		return s.stop(now, AttemptsUsedUp)
	}
	s.random = mix(s.random)
	s.pause = DrawPause(s.policy.Backoff, int(s.sent), s.pause, s.random)
	pause := withPushback(s.pause, pushback)
	if pause >= s.deadline-now {
		return s.stop(now, DeadlinePassed)
	}
	if limits(s.policy.Budget) && !takeRetry(s.policy.Budget, now, s.windows()) {
		return s.stop(now, BudgetExhausted)
	}
	if pause == 0 {
		return s.send()
	}
	s.state, s.until = Pause, plus(now, pause)
	return s.current()
}

// windows returns the budget windows of the node and of the destination, each nil if
// it is not shared.
func (s *Schedule) windows() [2]*Window {
	if s.dest == nil {
		return [2]*Window{s.node}
	}
	return [2]*Window{s.node, &s.dest.Window}
}

// MaxPushback is how much longer than its backoff a call pauses at most because the
// callee asks for it.
const MaxPushback = 5 * time.Second

// withPushback returns a pause that respects what the callee asks for, within bounds.
func withPushback(pause, pushback time.Duration) time.Duration {
	return min(max(pause, pushback), plus(pause, MaxPushback))
}

// stop decides that there is no further attempt. As long as the reply to an earlier
// attempt would count, the call waits for it: until the deadline if that is the
// reason, and otherwise as long as the latest attempt would wait if it were the last.
// So if the budget refuses a hedge, the call still gets the reply to its first attempt.
func (s *Schedule) stop(now time.Duration, why Reason) Decision {
	s.stopped = why
	end := s.deadline
	if why != DeadlinePassed {
		end = min(end, plus(s.written, s.timeoutAsLast()))
	}
	if s.open == 0 || end <= now {
		return giveUp(why)
	}
	s.state, s.until = Wait, end
	return s.current()
}

// timeoutAsLast returns the timeout of the latest attempt, now that it is the last.
func (s *Schedule) timeoutAsLast() time.Duration {
	if s.policy.LastTimeout > 0 || s.policy.Hedge > 0 {
		return s.lastTimeout()
	}
	return s.timeout
}

// Reply says that attempt n was answered. written is when its message was written
// out, -1 if that is not known yet. It returns Settle, unless the reply is late and
// the policy ignores late replies: then the latest decision stays in force.
func (s *Schedule) Reply(now time.Duration, n int, written time.Duration) Decision {
	if !s.accept(now, n, written) {
		return s.current()
	}
	return Decision{Action: Settle}
}

// A Failure is what an error reply says.
type Failure struct {
	Code       int64
	Definite   bool          // the attempt surely had no effect
	RetryAfter time.Duration // how long the callee asks the caller to wait; 0 if it does not
}

// ErrorReply is like Reply for an error reply. If the policy does not retry the
// error, it returns GiveUp. There are two exceptions while another attempt is open,
// which may bring a better reply. The call waits for it if the policy retries the
// error. It also waits if the policy propagates and the failure is indefinite: such an
// error may come from a node that must not retry, or whose deadline has passed.
func (s *Schedule) ErrorReply(now time.Duration, n int, written time.Duration, f Failure) Decision {
	latest := n == int(s.sent) && s.state != Pause && !s.timedOut
	if !s.accept(now, n, written) {
		return s.current()
	}
	retried := retries(s.policy, f.Code)
	switch {
	case retried && s.state == Pause:
		return s.extendPause(now, f.RetryAfter)
	case retried && s.stopped == NoReason && (latest || s.open == 0):
		return s.tryAgain(now, f.RetryAfter)
	case s.open > 0 && (retried || !f.Definite && s.policy.Propagate):
		return s.current()
	case s.stopped != NoReason && retried:
		return giveUp(s.stopped)
	}
	return giveUp(ErrorNotRetried)
}

// extendPause makes a pause longer if the callee asks for it.
func (s *Schedule) extendPause(now, pushback time.Duration) Decision {
	if pushback > 0 {
		s.until = max(s.until, plus(now, withPushback(s.pause, pushback)))
	}
	if s.until >= s.deadline {
		return s.stop(now, DeadlinePassed)
	}
	return s.current()
}

// accept notes the reply to an attempt, and reports whether it counts.
func (s *Schedule) accept(now time.Duration, n int, written time.Duration) bool {
	if s.dest != nil && written >= 0 {
		s.dest.Estimator.Sample(now - written)
	}
	late := n < int(s.sent) || s.timedOut
	if !Accepts(s.policy, late) {
		return false
	}
	s.open--
	return true
}

// send decides to send an attempt now.
func (s *Schedule) send() Decision {
	s.sent++
	s.open++
	s.state, s.until, s.written, s.timedOut = Send, s.deadline, -1, false
	return Decision{Action: Send, Until: s.deadline}
}

// current returns the decision in force. An attempt is sent once, so Send becomes
// Wait.
func (s *Schedule) current() Decision {
	if s.state == Send {
		return Decision{Action: Wait, Until: s.until}
	}
	return Decision{Action: s.state, Until: s.until, Reason: s.stopped}
}

func giveUp(why Reason) Decision { return Decision{Action: GiveUp, Reason: why} }

// Sent returns how many attempts were sent.
func (s *Schedule) Sent() int { return int(s.sent) }

// TimedOut reports whether the latest attempt has timed out.
func (s *Schedule) TimedOut() bool { return s.timedOut }

// Retry reports whether the latest attempt is a retry or on behalf of one. If the
// policy propagates, the attempt says so in its field "retry".
func (s *Schedule) Retry() bool { return s.sent > 1 || s.forRetry }

// Remaining returns how long the caller still waits for a reply to the call: until the
// deadline, or without one at most MaxDuration since the beginning. If the policy
// propagates, the latest attempt says so in its field "deadline_ms". It is never
// negative.
func (s *Schedule) Remaining(now time.Duration) time.Duration {
	end := min(s.deadline, plus(s.begun, MaxDuration(s.policy)))
	return max(end-now, 0)
}

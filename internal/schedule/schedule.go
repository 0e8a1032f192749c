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
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A Destination is what the calls to one destination share. The zero value is a
// destination about which nothing is known.
type Destination struct {
	Estimator  Estimator
	Window     Window
	Breaker    *Breaker    // nil until a call begins whose policy has one
	RoundTrips *RoundTrips // nil until a call begins whose policy needs them
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
// attempt, and of nothing after Settle or GiveUp, except End: that the call is over, for
// whatever reason.
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
	open     int32  // attempts whose replies would count
	state    Action // Send until the latest attempt is written out, then Wait or Pause
	stopped  Reason // why there will be no further attempt
	timedOut bool   // the latest attempt has timed out
	forRetry bool   // on behalf of a retry, so that there is only one attempt
	retrying bool   // the budget windows count the call among those that retry
	probe    bool   // the breaker waits for the outcome of the latest attempt
	judged   bool   // the breaker needs no outcome of the latest attempt any more
	measured bool   // the round trips have that of the first attempt
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
		random: mix(cmp.Or(p.Backoff.Seed, start.Incarnation)) ^ start.CallNumber,
	}
	if start.Deadline != 0 {
		s.deadline = start.Deadline
	}
	if p.Deadline > 0 {
		s.deadline = min(s.deadline, plus(start.Now, p.Deadline))
	}
	s.forRetry = start.OnBehalfOfRetry && p.Propagate
	if start.Now >= s.deadline {
		return giveUp(DeadlinePassed)
	}
	s.share()
	if !s.breakerAllows(start.Now) {
		return giveUp(BreakerOpen)
	}
	if limits(p.Budget) {
		addCall(start.Now, s.windows())
	}
	return s.send()
}

// limit returns how many attempts there may be.
func (s *Schedule) limit() int {
	if s.forRetry {
		return 1
	}
	return s.policy.MaxAttempts()
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
	case s.Sent() >= s.limit(): // on behalf of a retry, the first attempt is the last
		return s.lastTimeout()
	case p.Hedges(s.Sent()):
		return s.hedgeDelay()
	case p.Adaptive == nil:
		return p.AttemptTimeout(s.Sent())
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
		return s.fail(now, s.stopped)
	case now >= s.deadline:
		return s.fail(now, DeadlinePassed)
	case s.state == Pause:
		return s.sendIfAllowed(now)
	}
	return s.tryAgain(now, nil)
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
	if s.policy.Hedges(s.Sent()) && s.Sent() < s.limit() {
		return // a hedge that is due tells nothing
	}
	s.judge(now, s.written, true)
	if s.dest != nil && s.policy.Adaptive != nil { // a fixed timeout tells nothing about the estimate
		s.dest.Estimator.TimedOut(s.written, now)
	}
}

// tryAgain decides on one more attempt, now or after a pause. f is the failure of the
// attempt before, nil for a timeout.
func (s *Schedule) tryAgain(now time.Duration, f *Failure) Decision {
	if s.Sent() >= s.limit() {
		return s.stop(now, AttemptsUsedUp)
	}
	s.random = mix(s.random)
	s.pause = DrawPause(backoffAfter(s.policy, f), s.Sent(), s.pause, s.random)
	pause := s.pause
	if f != nil {
		pause = withPushback(s.policy, pause, f.RetryAfter)
	}
	if pause >= s.deadline-now {
		return s.stop(now, DeadlinePassed)
	}
	if s.breakerRefuses(plus(now, pause)) {
		return s.stop(now, BreakerOpen)
	}
	if limits(s.policy.Budget) && !s.takeRetry(now) {
		return s.stop(now, BudgetExhausted)
	}
	if pause == 0 {
		return s.sendIfAllowed(now)
	}
	s.state, s.until = Pause, plus(now, pause)
	return s.current()
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
		return s.fail(now, why)
	}
	s.state, s.until = Wait, end
	return s.current()
}

// fail gives up. The latest attempt has failed, unless it was answered or never written.
func (s *Schedule) fail(now time.Duration, why Reason) Decision {
	if s.written >= 0 {
		s.judge(now, s.written, true)
	}
	s.measure(now - s.begun)
	return giveUp(why)
}

// timeoutAsLast returns the timeout of the latest attempt, now that it is the last.
func (s *Schedule) timeoutAsLast() time.Duration {
	if s.policy.LastTimeout > 0 || s.policy.Hedges(s.Sent()) {
		return s.lastTimeout()
	}
	return s.timeout
}

// Reply says that attempt n was answered. written is when its message was written
// out, -1 if that is not known yet. It returns Settle, unless the reply is late and
// the policy ignores late replies: then the latest decision stays in force.
func (s *Schedule) Reply(now time.Duration, n int, written time.Duration) Decision {
	if !s.accept(now, n, written, false) {
		return s.current()
	}
	s.measure(now - s.begun)
	return Decision{Action: Settle}
}

// A Failure is what an error reply says.
type Failure struct {
	Code       int64
	Definite   bool          // the attempt surely had no effect
	RetryAfter time.Duration // how long the callee asks the caller to wait; 0 if it does not
	Retry      bool          // the policy's RetryIf wants another attempt
	Succeeded  bool          // it is no error reply; Retry makes it a failure
}

// ErrorReply is like Reply for an error reply. If the policy does not retry the
// error, it returns GiveUp. There are two exceptions while another attempt is open,
// which may bring a better reply. The call waits for it if the policy retries the
// error. It also waits if the policy propagates and the failure is indefinite: such an
// error may come from a node that must not retry, or whose deadline has passed. A reply
// without an error is better than none: if there is no retry and no other attempt is open,
// it settles the call.
func (s *Schedule) ErrorReply(now time.Duration, n int, written time.Duration, f Failure) Decision {
	d := s.errorReply(now, n, written, f)
	switch {
	case d.Action == GiveUp && f.Succeeded:
		d = Decision{Action: Settle}
		fallthrough
	case d.Action == GiveUp:
		s.measure(now - s.begun)
	}
	return d
}

func (s *Schedule) errorReply(now time.Duration, n int, written time.Duration, f Failure) Decision {
	latest := n == s.Sent() && s.state != Pause && !s.timedOut
	retried := f.Retry || retries(s.policy, f.Code)
	if !s.accept(now, n, written, retried || f.Code == temporarilyUnavailable) {
		return s.current()
	}
	switch {
	case retried && s.state == Pause:
		return s.extendPause(now, f.RetryAfter)
	case retried && s.stopped == NoReason && (latest || s.open == 0):
		return s.tryAgain(now, &f)
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
		s.until = max(s.until, plus(now, withPushback(s.policy, s.pause, pushback)))
	}
	if s.until >= s.deadline {
		return s.stop(now, DeadlinePassed)
	}
	return s.current()
}

// accept notes the reply to an attempt, and reports whether it counts. failed says what it
// means for the breaker.
func (s *Schedule) accept(now time.Duration, n int, written time.Duration, failed bool) bool {
	if s.dest != nil && written >= 0 {
		s.dest.Estimator.Sample(now - written)
		if n == 1 {
			s.measure(now - written)
		}
	}
	late := n < s.Sent() || s.timedOut
	if !Accepts(s.policy, late) {
		return false
	}
	s.open--
	s.judgeReply(now, n, written, failed)
	return true
}

// send decides to send an attempt now.
func (s *Schedule) send() Decision {
	s.sent++
	s.open++
	s.state, s.until, s.written, s.timedOut, s.judged = Send, s.deadline, -1, false, false
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

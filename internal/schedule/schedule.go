package schedule

import (
	"cmp"
	"math"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A Destination is what the calls to one destination share. The zero value is
// one that nothing is known of.
type Destination struct {
	Estimator Estimator
	Window    Window
}

// A Start is what a call knows when it begins. Only Now is needed.
type Start struct {
	Now time.Duration
	// Deadline is when the caller's context, or the request that the call serves,
	// ends; 0 means never. The policy's own is counted from Now.
	Deadline time.Duration
	// OnBehalfOfRetry means that the call is made for a request that was itself a retry. If
	// the policy says propagate, the call then has one attempt.
	OnBehalfOfRetry bool
	// Call is the call's number, Life a random number of this process's life:
	// where the backoff's chance begins.
	CallNumber, Incarnation uint64
	// Dest and Node are shared with other calls; nil is none of that.
	Dest *Destination
	Node *Window
}

// A Schedule decides for one call: send, wait, pause, or give up. It is told what
// happens, and answers each time what comes next; the latest answer counts.
//
//	Begin -> Send           send the first attempt
//	Written -> Wait              its timeout has begun
//	Due -> Send ... GiveUp  what Until of the latest answer named has come
//	Reply, ErrorReply -> ...     an attempt is answered
//
// It is a value with no memory of its own, so that a call can hold it. Times must
// not run backward. Each attempt may be told of one reply: the owner drops what
// comes twice, and what comes after Settle or GiveUp.
type Schedule struct {
	policy   *retry.Policy
	dest     *Destination
	node     *Window
	random   uint64
	begun    time.Duration
	deadline time.Duration // Never if there is none
	until    time.Duration // when it is due
	written  time.Duration // when the latest attempt was; -1 before
	wait     time.Duration // of the latest attempt, not cut
	paused   time.Duration // the latest pause
	sent     int32
	limit    int32
	open     int32  // attempts whose reply would count
	state    Action // Send while an attempt is not written out, Wait, Pause
	timedOut bool   // the latest attempt's timeout has passed
	behalf   bool
	last     Reason // there will be no further attempt, for this reason
}

// Begin begins a call. It answers Send, or GiveUp if its deadline has passed
// already: a first attempt is refused for nothing else.
func (s *Schedule) Begin(p *retry.Policy, start Start) Decision {
	*s = Schedule{policy: p, begun: start.Now, deadline: Never, limit: int32(min(p.MaxAttempts(), math.MaxInt32))}
	if start.Deadline != 0 {
		s.deadline = start.Deadline
	}
	if Needed(p) {
		s.beginRest(p, &start)
	}
	if start.Now >= s.deadline {
		return s.giveUp(DeadlinePassed)
	}
	return s.send()
}

// beginRest is what a plain policy needs not.
func (s *Schedule) beginRest(p *retry.Policy, start *Start) {
	s.dest, s.node = start.Dest, start.Node
	if p.Deadline > 0 {
		s.deadline = min(s.deadline, plus(start.Now, p.Deadline))
	}
	if start.OnBehalfOfRetry && p.Propagate {
		s.limit, s.behalf = 1, true
	}
	seed := p.Backoff.Seed
	if seed == 0 {
		seed = start.Incarnation
	}
	s.random = mix(seed) ^ start.CallNumber
	if limits(p.Budget) {
		if s.dest != nil {
			s.dest.Window.AddCall(start.Now)
		}
		if s.node != nil {
			s.node.AddCall(start.Now)
		}
	}
}

// Written says that the latest attempt's message has been written out. Its
// timeout begins.
func (s *Schedule) Written(now time.Duration) Decision {
	s.written, s.timedOut = now, false
	s.wait = s.timeout(int(s.sent))
	s.state, s.until = Wait, min(plus(now, s.wait), s.deadline)
	return s.stay()
}

// timeout is how long attempt n waits, unless it is cut.
func (s *Schedule) timeout(n int) time.Duration {
	p := s.policy
	switch {
	case n >= int(s.limit): // on behalf of a retry, the first attempt is the last
		return s.lastWait()
	case p == nil || p.Adaptive == nil || p.Hedge > 0:
		return p.AttemptTimeout(n)
	}
	return s.estimate()
}

// lastWait is how long the last attempt waits.
func (s *Schedule) lastWait() time.Duration {
	p := s.policy
	if p == nil || p.Adaptive == nil || p.LastTimeout > 0 {
		return p.AttemptTimeout(p.MaxAttempts())
	}
	return s.estimate()
}

// estimate is the adaptive timeout.
func (s *Schedule) estimate() time.Duration {
	e := &Estimator{}
	if s.dest != nil {
		e = &s.dest.Estimator
	}
	return e.Timeout(*s.policy.Adaptive, cmp.Or(s.policy.Timeout, retry.DefaultTimeout))
}

// Due says that the time has come that the latest answer named.
func (s *Schedule) Due(now time.Duration) Decision {
	if s.state == Wait {
		s.noteTimeout(now)
	}
	switch {
	case now < s.until:
		return s.stay() // too early
	case s.last != NoReason:
		return s.giveUp(s.last)
	case now >= s.deadline:
		return s.giveUp(DeadlinePassed)
	case s.state == Pause:
		return s.send()
	}
	return s.again(now, 0)
}

// noteTimeout notes that the latest attempt has met silence, if it has waited
// that long.
func (s *Schedule) noteTimeout(now time.Duration) {
	if s.timedOut || now < plus(s.written, s.wait) {
		return
	}
	s.timedOut = true
	if !Accepts(s.policy, true) {
		s.open--
	}
	hedge := s.policy != nil && s.policy.Hedge > 0 && s.sent < s.limit
	if s.dest != nil && !hedge {
		s.dest.Estimator.TimedOut(s.written, now)
	}
}

// again makes one more attempt now or after a pause, unless something speaks
// against it. pushback is how long the callee asks to be left alone.
func (s *Schedule) again(now, pushback time.Duration) Decision {
	if afterTimeout(int(s.sent), int(s.limit)) == GiveUp {
		return s.close(now, AttemptsUsedUp)
	}
	pause := s.pause(pushback)
	if pause >= s.deadline-now {
		return s.close(now, DeadlinePassed)
	}
	if p := s.policy; p != nil && limits(p.Budget) && !s.granted(now) {
		return s.close(now, BudgetExhausted)
	}
	if pause == 0 {
		return s.send()
	}
	s.state, s.until = Pause, plus(now, pause)
	return s.stay()
}

func (s *Schedule) granted(now time.Duration) bool {
	if s.dest == nil {
		return takeRetry(s.policy.Budget, now, s.node, nil)
	}
	return takeRetry(s.policy.Budget, now, s.node, &s.dest.Window)
}

// pause is how long the call pauses before its next attempt.
func (s *Schedule) pause(pushback time.Duration) time.Duration {
	if s.policy == nil {
		return 0
	}
	s.random = mix(s.random)
	s.paused = DrawPause(s.policy.Backoff, int(s.sent), s.paused, s.random)
	return pushed(s.paused, pushback)
}

// MaxPushback is how much longer than its backoff a call pauses at most because
// the callee asks for it.
const MaxPushback = 5 * time.Second

// pushed is a pause that heeds the callee's wish within bounds.
func pushed(pause, wish time.Duration) time.Duration {
	return min(max(pause, wish), plus(pause, MaxPushback))
}

// close says that there will be no further attempt. If an attempt is open that
// may still be answered, the call waits for it: until the deadline, if that is
// what keeps it from trying again, and else as long as the latest attempt would
// wait if it were the last. So a hedge that the budget refuses does not fail a
// call whose first attempt is about to be answered.
func (s *Schedule) close(now time.Duration, why Reason) Decision {
	s.last = why
	end := s.deadline
	if why != DeadlinePassed {
		end = min(end, plus(s.written, s.longWait()))
	}
	if s.open == 0 || end <= now {
		return s.giveUp(why)
	}
	s.state, s.until = Wait, end
	return s.stay()
}

// longWait is how long the latest attempt waits, now that it turns out to be the
// last.
func (s *Schedule) longWait() time.Duration {
	if p := s.policy; p != nil && (p.LastTimeout > 0 || p.Hedge > 0) {
		return s.lastWait()
	}
	return s.wait
}

// Reply says that attempt n, written out at a time (-1 if it is not known to be),
// was answered. It answers Settle, unless the reply is late and the policy ignores
// that: then the call goes on as it was.
func (s *Schedule) Reply(now time.Duration, n int, written time.Duration) Decision {
	if !s.answer(now, n, written) {
		return s.stay()
	}
	return Decision{Action: Settle}
}

// A Failure is what an error reply says.
type Failure struct {
	Code       int
	Definite   bool          // the attempt surely took no effect
	RetryAfter time.Duration // the callee asks to be left alone so long; 0 if it does not
}

// ErrorReply is Reply for a reply that is an error. One that the policy does not
// retry settles the call: it answers GiveUp. But as long as another attempt may
// be answered with something better, the call waits for that if the policy would
// retry the error, and if it says propagate and the error is indefinite: then the
// error may come from a node that was forbidden to retry, or whose time was up.
func (s *Schedule) ErrorReply(now time.Duration, n int, written time.Duration, f Failure) Decision {
	latest := n == int(s.sent) && s.state != Pause && !s.timedOut
	if !s.answer(now, n, written) {
		return s.stay()
	}
	retried := retries(s.policy, f.Code)
	switch {
	case retried && s.state == Pause:
		return s.prolong(now, f.RetryAfter)
	case retried && s.last == NoReason && (latest || s.open == 0):
		return s.again(now, f.RetryAfter)
	case s.open > 0 && (retried || !f.Definite && propagates(s.policy)):
		return s.stay()
	case s.last != NoReason && retried:
		return s.giveUp(s.last)
	}
	return s.giveUp(ErrorNotRetried)
}

// prolong makes a pause longer, if the callee asks for it.
func (s *Schedule) prolong(now, wish time.Duration) Decision {
	if wish > 0 {
		s.until = max(s.until, plus(now, pushed(s.paused, wish)))
	}
	if s.until >= s.deadline {
		return s.close(now, DeadlinePassed)
	}
	return s.stay()
}

// answer notes that an attempt was answered, and reports whether that counts.
func (s *Schedule) answer(now time.Duration, n int, written time.Duration) bool {
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

func (s *Schedule) send() Decision {
	s.sent++
	s.open++
	s.state, s.until, s.written, s.timedOut = Send, s.deadline, -1, false
	return Decision{Action: Send, Until: s.deadline}
}

func (s *Schedule) stay() Decision {
	if s.state == Send {
		return Decision{Action: Wait, Until: s.until}
	}
	return Decision{Action: s.state, Until: s.until, Reason: s.last}
}

func (s *Schedule) giveUp(why Reason) Decision { return Decision{Action: GiveUp, Reason: why} }

// Sent is how many attempts were sent so far.
func (s *Schedule) Sent() int { return int(s.sent) }

// TimedOut reports whether the latest attempt's timeout has passed.
func (s *Schedule) TimedOut() bool { return s.timedOut }

// Retry reports whether the latest attempt is to carry "retry": it is a second
// one, or on behalf of one.
func (s *Schedule) Retry() bool { return s.sent > 1 || s.behalf }

// Remaining is how long the caller will still be interested, which the latest
// attempt is to carry as "deadline_ms": until the deadline, or without one as
// long as the policy's patience lasts. It is never negative.
func (s *Schedule) Remaining(now time.Duration) time.Duration {
	end := min(s.deadline, plus(s.begun, MaxDuration(s.policy)))
	return max(end-now, 0)
}

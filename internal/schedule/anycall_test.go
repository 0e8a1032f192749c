package schedule

import (
	"cmp"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/policytest"
	"github.com/eddyrpc/eddy/retry"
)

// If no schedule is needed, a schedule decides as MaxAttempts, AttemptTimeout, Accepts
// and AfterTimeout do, on which a node relies.
func TestSimpleSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policytest.Simple(t)
		if Needed(p) {
			t.Fatal("a schedule is needed")
		}
		var s Schedule
		now := time.Duration(0)
		decision := s.Begin(p, Start{})
		for decision.Action == Send {
			if decision = s.Written(now); decision.Action != Wait || decision.Until != plus(now, p.AttemptTimeout(s.Sent())) {
				t.Fatalf("attempt %d: %+v, want to wait for %v", s.Sent(), decision, p.AttemptTimeout(s.Sent()))
			}
			now = decision.Until
			if now == Never {
				return
			}
			sent, want := s.Sent(), AfterTimeout(p, s.Sent())
			if decision = s.Due(now); decision.Action != want {
				t.Fatalf("attempt %d: %v, want %v", sent, decision.Action, want)
			}
			late := s
			if got := late.Reply(now, sent, 0).Action == Settle; want == Send && got != Accepts(p, true) {
				t.Fatalf("a late reply settles: %v", got)
			}
		}
		if s.Sent() != p.MaxAttempts() {
			t.Fatalf("%d attempts of %d", s.Sent(), p.MaxAttempts())
		}
	})
}

func TestSimpleScheduleAllocatesNothing(t *testing.T) {
	var s Schedule
	for _, p := range []*retry.Policy{nil, {}, {Attempts: 5, Late: retry.Ignore, Hedge: 1}} {
		if got := testing.AllocsPerRun(100, func() {
			decision := s.Begin(p, Start{})
			for decision.Action == Send {
				decision = s.Due(s.Written(0).Until)
			}
		}); got != 0 {
			t.Errorf("%v allocations", got)
		}
	}
}

// Whatever happens to a call, it ends within MaxDuration and its deadline, with at most
// MaxAttempts. No attempt begins at or after the deadline. A call that waits is due at
// some time, which has not passed. When it is over, it holds nothing that it shares.
func TestAnySchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := Start{
			Now: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "now")), Dest: &Destination{}, Node: &Window{},
			OnBehalfOfRetry: rapid.Bool().Draw(t, "on behalf of a retry"), Incarnation: rapid.Uint64().Draw(t, "incarnation"),
		}
		p := policytest.Any(t)
		for range rapid.IntRange(1, 5).Draw(t, "calls") {
			c := anyCall{policy: p, start: start, now: start.Now, written: map[int]time.Duration{}, answered: map[int]bool{}}
			if !c.run(t) {
				return
			}
			start.Now = c.now
		}
	})
}

// run lets anything happen to the call until it ends. It returns false if the call waits for
// ever.
func (c *anyCall) run(t *rapid.T) bool {
	c.decision = c.schedule.Begin(c.policy, c.start)
	for events := 0; c.decision.Action != GiveUp && c.decision.Action != Settle; events++ {
		switch {
		case events > 1000:
			t.Fatal("the call does not end")
		case c.decision.Action == Send:
			c.send(t)
		case c.decision.Until == Never && plus(c.start.Now, c.longest()) == Never:
			return false
		default:
			c.wait(t)
		}
	}
	c.checkEnd(t)
	return true
}

// An anyCall is a call by any policy to which anything happens.
type anyCall struct {
	policy    *retry.Policy
	start     Start
	schedule  Schedule
	decision  Decision
	now       time.Duration
	written   map[int]time.Duration
	answered  map[int]bool
	pushbacks int
}

func (c *anyCall) send(t *rapid.T) {
	s, p := &c.schedule, c.policy
	if s.Sent() > p.MaxAttempts() {
		t.Fatalf("%d attempts of %d", s.Sent(), p.MaxAttempts())
	}
	if p.Deadline > 0 && c.now >= plus(c.start.Now, p.Deadline) {
		t.Fatal("an attempt began at the deadline")
	}
	if want := s.Sent() > 1 || c.start.OnBehalfOfRetry && p.Propagate; s.Retry() != want {
		t.Fatalf("attempt %d says retry %v", s.Sent(), s.Retry())
	}
	if left := s.Remaining(c.now); left < 0 || left > MaxDuration(p) {
		t.Fatalf("%v remain of %v", left, MaxDuration(p))
	}
	c.written[s.Sent()] = c.now
	c.decision = s.Written(c.now)
}

// wait lets the time of the decision come, or a reply to one of the attempts.
func (c *anyCall) wait(t *rapid.T) {
	s, until := &c.schedule, c.decision.Until
	if until < c.now || until == Never {
		t.Fatalf("%v: due at %v", c.now, until)
	}
	n := rapid.IntRange(1, s.Sent()).Draw(t, "n")
	happens := rapid.IntRange(0, 9).Draw(t, "happens")
	if c.answered[n] || happens < 6 {
		c.now = until
		c.decision = s.Due(c.now)
		return
	}
	c.now += time.Duration(rapid.Int64Range(0, int64(until-c.now)).Draw(t, "passes"))
	c.answered[n] = true
	if happens == 6 {
		c.decision = s.Reply(c.now, n, c.written[n])
		return
	}
	code := rapid.SampledFrom([]int{0, 11, 13, 22}).Draw(t, "code")
	pushback := time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "pushback"))
	c.pushbacks++
	c.decision = s.ErrorReply(c.now, n, c.written[n], Failure{
		Code: int64(code), Definite: code == 11 || code == 22, RetryAfter: pushback,
		Retry: happens <= 8, Succeeded: happens == 7,
	})
}

func (c *anyCall) checkEnd(t *rapid.T) {
	if c.decision.Reason == BreakerOpen && !c.policy.Breaker.Enabled() {
		t.Fatal("refused by a breaker that the policy does not have")
	}
	if took := c.now - c.start.Now; took > c.longest() {
		t.Fatalf("it took %v of %v", took, c.longest())
	}
	if c.decision.Action == GiveUp && c.decision.Reason == NoReason {
		t.Fatal("gave up without a reason")
	}
	c.schedule.End()
	if b := c.start.Dest.Breaker; b != nil && b.probing {
		t.Fatal("the call is over, and the breaker waits for its probe")
	}
	if c.start.Dest.Window.retrying != 0 || c.start.Node.retrying != 0 {
		t.Fatal("the call is over, and a window counts it as retrying")
	}
}

// longest returns the longest that the call may take, with the pushback so far.
func (c *anyCall) longest() time.Duration {
	if c.policy.Deadline > 0 {
		return c.policy.Deadline
	}
	// Pushback that comes during a pause counts from then, so it can add all of itself.
	longest := longestPause(c.policy.Backoff, c.policy.MaxAttempts())
	for _, b := range c.policy.BackoffAfter {
		longest = max(longest, b.WithDefaults().Cap)
	}
	pushback := plus(cmp.Or(c.policy.MaxPushback, retry.DefaultMaxPushback), longest)
	return plus(MaxDuration(c.policy), times(pushback, c.pushbacks))
}

package schedule

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// In this file, a nil policy is the default policy.

// Needed reports whether calls by p need a Schedule and what calls share. If they do
// not, [retry.Policy.MaxAttempts], [retry.Policy.AttemptTimeout], Accepts and
// AfterTimeout decide for them.
func Needed(p *retry.Policy) bool {
	return p != nil && (p.Adaptive != nil || p.Deadline != 0 || p.Backoff.Kind != retry.NoBackoff ||
		len(p.BackoffAfter) > 0 || len(p.RetryOn) > 0 || p.RetryIf != nil || limits(p.Budget) ||
		p.Breaker.Enabled() || p.HedgePercentile > 0 || p.Propagate)
}

// Accepts reports whether a reply settles its call. late means that it came after the
// timeout of its attempt.
func Accepts(p *retry.Policy, late bool) bool {
	return !late || p == nil || p.Late == retry.Accept
}

// AfterTimeout returns what a call that needs no Schedule does when its latest
// attempt, number sent, has timed out: Send or GiveUp.
func AfterTimeout(p *retry.Policy, sent int) Action {
	if sent < p.MaxAttempts() {
		return Send
	}
	return GiveUp
}

// MaxDuration returns the longest that a call can take: its deadline, or else the sum
// of its longest timeouts and pauses. It does not include pushback (see [retry.Policy.MaxPushback]),
// nor the time until attempts are written out. It returns Never instead of an overflow.
func MaxDuration(p *retry.Policy) time.Duration {
	if p == nil {
		p = &standard
	}
	if p.Deadline > 0 {
		return p.Deadline
	}
	limit := p.MaxAttempts()
	hedges := limit - 1
	if p.MaxHedges > 0 {
		hedges = min(hedges, p.MaxHedges)
	}
	others := plus(times(longestTimeout(p, 1), hedges), times(longestTimeout(p, limit-1), limit-1-hedges))
	timeouts := plus(others, longestTimeout(p, limit))
	return plus(timeouts, longestPauses(p, limit-1))
}

// longestTimeout returns the longest that the timeout of attempt n can be.
func longestTimeout(p *retry.Policy, n int) time.Duration {
	last := n >= p.MaxAttempts()
	switch {
	case p.HedgePercentile > 0 && p.Hedges(n): // see Schedule.hedgeDelay
		return max(p.Hedge, longestTimeout(p, p.MaxAttempts()))
	case p.Adaptive == nil, last && p.LastTimeout > 0, p.Hedges(n):
		return p.AttemptTimeout(n)
	}
	return p.Adaptive.WithDefaults().Max
}

func retries(p *retry.Policy, code int64) bool {
	return slices.ContainsFunc(p.RetryOn, func(c int) bool { return int64(c) == code })
}

package workload

import (
	"time"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/retry"
)

// LongestPause returns how long a call by a policy pauses between two attempts at most, unless
// the callee asks for more.
func LongestPause(p *retry.Policy) (longest time.Duration) {
	backoffs := []retry.Backoff{p.Backoff}
	for _, b := range p.BackoffAfter {
		backoffs = append(backoffs, b)
	}
	for _, b := range backoffs {
		b = b.WithDefaults()
		pause := b.Cap
		if b.Kind == retry.Constant {
			factor := b.Jitter.High
			if b.Jitter == retry.NoJitter {
				factor = 1
			}
			if jittered := factor * float64(b.Base); jittered < float64(b.Cap) {
				pause = time.Duration(jittered)
			}
		}
		longest = max(longest, pause)
	}
	return longest
}

// relayPolicy returns what relays may do that call by a policy.
func relayPolicy(p *retry.Policy) *checker.RelayPolicy {
	promise := &checker.RelayPolicy{
		Wait: func(n, attempts int) (least, most time.Duration) {
			with := *p
			with.Attempts = attempts // as the request may say
			return waits(&with, n)
		},
		Deadline: p.Deadline,
		MayStop:  p.Budget != retry.Budget{} || p.Breaker.Enabled(),
	}
	if p.Deadline > 0 && p.Late == retry.Ignore { // no reply can come in the pause that would reach the deadline
		promise.Deadline = max(p.Deadline-LongestPause(p), 1)
	}
	for _, code := range p.RetryOn {
		promise.RetryOn = append(promise.RetryOn, int64(code))
	}
	return promise
}

// waits returns how long attempt n waits at least and at most.
func waits(p *retry.Policy, n int) (least, most time.Duration) {
	fixed := p.AttemptTimeout(n)
	last := n >= p.MaxAttempts()
	switch {
	case p.Hedges(n) && p.HedgePercentile > 0: // from the granularity of timeouts to the last timeout
		_, most = waits(p, p.MaxAttempts())
		return time.Millisecond, max(most, fixed)
	case p.Adaptive == nil, p.Hedges(n), last && p.LastTimeout > 0:
		return fixed, fixed
	}
	bounds := p.Adaptive.WithDefaults()
	return bounds.Min, bounds.Max
}

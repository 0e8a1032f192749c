// Package policytest generates valid policies for property tests.
package policytest

import (
	"math"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/retry"
)

// Simple draws a valid policy whose calls need no schedule.
func Simple(t *rapid.T) *retry.Policy {
	timeout := rapid.Int64Range(1, math.MaxInt64/2)
	if rapid.Bool().Draw(t, "ordinary") {
		timeout = rapid.Int64Range(1, int64(time.Hour))
	}
	p := &retry.Policy{
		Attempts: rapid.IntRange(0, 50).Draw(t, "attempts"),
		Timeout:  time.Duration(timeout.Draw(t, "timeout")),
		Late:     rapid.SampledFrom([]retry.Late{retry.Accept, retry.Ignore}).Draw(t, "late"),
		CallID:   rapid.Bool().Draw(t, "mark"),
	}
	if rapid.Bool().Draw(t, "with final") {
		p.LastTimeout = p.Timeout + time.Duration(rapid.Int64Range(0, int64(p.Timeout)).Draw(t, "final"))
	}
	if p.Late == retry.Accept && rapid.Bool().Draw(t, "with hedge") {
		p.Hedge = time.Duration(rapid.Int64Range(1, int64(p.Timeout)).Draw(t, "hedge"))
	}
	return p
}

// Any draws a valid policy.
func Any(t *rapid.T) *retry.Policy {
	p := Simple(t)
	duration := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "d"))
	})
	if rapid.Bool().Draw(t, "adaptive") {
		least := duration.Draw(t, "min")
		p.Adaptive = &retry.Adaptive{Min: least, Max: least + duration.Draw(t, "more")}
	}
	if rapid.Bool().Draw(t, "with deadline") {
		p.Deadline = duration.Draw(t, "deadline")
	}
	if kind := retry.BackoffKind(rapid.IntRange(0, 3).Draw(t, "kind")); kind != retry.NoBackoff {
		base := duration.Draw(t, "base")
		p.Backoff = retry.Backoff{Kind: kind, Base: base, Cap: base + duration.Draw(t, "cap"), Seed: rapid.Uint64().Draw(t, "seed")}
		if kind != retry.Decorrelated {
			p.Backoff.Jitter = rapid.SampledFrom([]retry.Jitter{retry.NoJitter, retry.FullJitter, retry.EqualJitter, retry.PlusMinus(0.2)}).Draw(t, "jitter")
		}
	}
	p.RetryOn = rapid.SliceOfDistinct(rapid.SampledFrom([]int{0, 11, 13}), func(c int) int { return c }).Draw(t, "codes")
	if len(p.RetryOn) == 0 {
		p.RetryOn = nil
	}
	if rapid.Bool().Draw(t, "with budget") {
		p.Budget = retry.Budget{Ratio: rapid.Float64Range(0, 1).Draw(t, "ratio"), PerSecond: rapid.Float64Range(0, 1).Draw(t, "per second")}
	}
	p.Propagate = rapid.Bool().Draw(t, "propagate")
	return p
}

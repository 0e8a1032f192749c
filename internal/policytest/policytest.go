// Package policytest draws valid policies for property tests.
package policytest

import (
	"cmp"
	"math"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/retry"
)

// Simple draws a valid policy whose calls need no schedule.
func Simple(t *rapid.T) *retry.Policy {
	p := &retry.Policy{
		Attempts: rapid.IntRange(0, 50).Draw(t, "attempts"),
		Timeout:  duration(t, "timeout"),
		Late:     rapid.SampledFrom([]retry.Late{retry.Accept, retry.Ignore}).Draw(t, "late"),
		CallID:   rapid.Bool().Draw(t, "call id"),
		Trace:    rapid.Bool().Draw(t, "trace"),
	}
	timeout := cmp.Or(p.Timeout, retry.DefaultTimeout)
	if rapid.Bool().Draw(t, "with last timeout") {
		p.LastTimeout = max(timeout, duration(t, "last timeout"))
	}
	if p.Late == retry.Accept && rapid.Bool().Draw(t, "hedged") {
		p.Hedge = min(cmp.Or(p.LastTimeout, timeout), duration(t, "hedge"))
	}
	p.MaxHedges = rapid.IntRange(0, 3).Draw(t, "max hedges")
	p.MaxPushback = duration(t, "max pushback")
	return p
}

// Any draws a valid policy.
func Any(t *rapid.T) *retry.Policy {
	p := Simple(t)
	if rapid.Bool().Draw(t, "adaptive") {
		p.Adaptive = &retry.Adaptive{Min: duration(t, "min")}
		if rapid.Bool().Draw(t, "with max") {
			p.Adaptive.Max = max(p.Adaptive.Min, duration(t, "max"))
		}
	}
	if rapid.Bool().Draw(t, "with deadline") {
		p.Deadline = duration(t, "deadline")
	}
	p.Backoff = backoff(t)
	p.BackoffAfter = rapid.MapOfN(rapid.SampledFrom([]string{retry.AfterTimeout, retry.AfterPushback, "11", "13"}), rapid.Custom(unseeded), -1, 3).Draw(t, "backoff after")
	if len(p.BackoffAfter) == 0 {
		p.BackoffAfter = nil
	}
	p.RetryOn = rapid.SliceOfDistinct(rapid.SampledFrom([]int{0, 11, 13}), rapid.ID[int]).Draw(t, "retry on")
	if len(p.RetryOn) == 0 {
		p.RetryOn = nil
	}
	if rapid.Bool().Draw(t, "with budget") {
		p.Budget = retry.Budget{Ratio: rapid.Float64Range(0, 1).Draw(t, "ratio"), PerSecond: rapid.Float64Range(0, 1).Draw(t, "per second"), InFlight: rapid.IntRange(0, 3).Draw(t, "in flight")}
	}
	if p.Hedge > 0 && rapid.Bool().Draw(t, "hedges follow round trips") {
		p.HedgePercentile = rapid.Float64Range(0, 99.9).Draw(t, "percentile")
	}
	p.Breaker = breaker(t)
	p.Propagate = rapid.Bool().Draw(t, "propagate")
	return p
}

func backoff(t *rapid.T) retry.Backoff {
	b := retry.Backoff{Kind: rapid.SampledFrom([]retry.BackoffKind{retry.NoBackoff, retry.Constant, retry.Exponential, retry.Decorrelated}).Draw(t, "kind")}
	if b.Kind == retry.NoBackoff {
		return b
	}
	b.Base = duration(t, "base")
	if rapid.Bool().Draw(t, "with cap") {
		b.Cap = max(b.WithDefaults().Base, duration(t, "cap"))
	}
	b.Seed = rapid.Uint64().Draw(t, "seed")
	if b.Kind != retry.Decorrelated {
		b.Jitter = jitter(t)
	}
	return b
}

// unseeded draws a backoff after a kind of failure.
func unseeded(t *rapid.T) retry.Backoff {
	b := backoff(t)
	b.Seed = 0
	return b
}

func breaker(t *rapid.T) (b retry.Breaker) {
	if rapid.Bool().Draw(t, "opens after failures in a row") {
		b.Failures = rapid.IntRange(1, 5).Draw(t, "failures")
	}
	if rapid.Bool().Draw(t, "opens at a ratio") {
		b.Ratio = rapid.Float64Range(0.01, 1).Draw(t, "breaker ratio")
		b.MinAttempts = rapid.IntRange(0, 5).Draw(t, "min attempts")
	}
	if b.Enabled() {
		b.Open = duration(t, "open")
	}
	return b
}

func jitter(t *rapid.T) retry.Jitter {
	switch rapid.IntRange(0, 2).Draw(t, "jitter") {
	case 0:
		return rapid.SampledFrom([]retry.Jitter{retry.NoJitter, retry.FullJitter, retry.EqualJitter}).Draw(t, "name")
	case 1:
		return retry.PlusMinus(rapid.Float64Range(0, 1).Draw(t, "fraction"))
	}
	low := rapid.Float64Range(0, 2).Draw(t, "low")
	return retry.Jitter{Low: low, High: max(low, rapid.Float64Range(0.1, 2).Draw(t, "high"))}
}

// duration draws an ordinary duration, any one, one close to the longest, or 0, which
// means the default.
func duration(t *rapid.T, label string) time.Duration {
	switch rapid.IntRange(0, 9).Draw(t, label+" is") {
	case 0:
		return 0
	case 1:
		return math.MaxInt64 - time.Duration(rapid.Int64Range(0, 2000).Draw(t, label+" below the longest"))
	case 2:
		return time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, label))
	}
	return time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, label))
}

package schedule

import (
	"cmp"
	"math"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// DrawPause returns the pause after attempt n, which is at least 1. before is the
// previous pause of the same call, 0 if there is none; only Decorrelated uses it.
// random is 64 random bits.
func DrawPause(b retry.Backoff, n int, before time.Duration, random uint64) time.Duration {
	b = b.WithDefaults()
	u := float64(random>>11) / (1 << 53) // uniform in [0, 1)
	switch b.Kind {
	case retry.NoBackoff:
		return 0
	case retry.Decorrelated:
		low, high := b.Base, times(max(before, b.Base), 3)
		return min(b.Cap, plus(low, scale(high-low, u)))
	}
	return min(b.Cap, jittered(b.Jitter, growth(b, n), u))
}

// growth is the pause after attempt n before jitter. b has its defaults.
func growth(b retry.Backoff, n int) time.Duration {
	d := b.Base
	if b.Kind == retry.Exponential {
		for ; n > 1 && d < b.Cap; n-- {
			d = times(d, 2)
		}
	}
	return min(d, b.Cap)
}

// jittered multiplies a pause by a factor of its jitter; u is in [0, 1).
func jittered(j retry.Jitter, d time.Duration, u float64) time.Duration {
	if j == retry.NoJitter {
		return d
	}
	return scale(d, j.Low+u*(j.High-j.Low))
}

// backoffAfter returns the backoff after a failure of an attempt: nil is a timeout.
func backoffAfter(p *retry.Policy, f *Failure) retry.Backoff {
	if len(p.BackoffAfter) == 0 {
		return p.Backoff
	}
	kinds := []string{retry.AfterTimeout}
	if f != nil {
		kinds = []string{retry.AfterPushback, retry.AfterCode(int(f.Code))}
		if f.RetryAfter <= 0 {
			kinds = kinds[1:]
		}
	}
	for _, kind := range kinds {
		if b, ok := p.BackoffAfter[kind]; ok {
			return b
		}
	}
	return p.Backoff
}

// withPushback returns a pause that respects what the callee asks for, within bounds.
func withPushback(p *retry.Policy, pause, pushback time.Duration) time.Duration {
	most := cmp.Or(p.MaxPushback, retry.DefaultMaxPushback)
	return min(max(pause, pushback), plus(pause, most))
}

// longestPause is the longest that the pause after attempt n can be.
func longestPause(b retry.Backoff, n int) time.Duration {
	if b.Kind != retry.Decorrelated {
		return DrawPause(b, n, 0, math.MaxUint64)
	}
	b = b.WithDefaults()
	d := b.Base
	for ; n > 0 && d < b.Cap; n-- {
		d = times(d, 3)
	}
	return min(d, b.Cap)
}

// longestPauses is the longest that the first count pauses of a call can take
// together. For more than 1,000 pauses it is an upper bound, because the sum
// would cost more than it tells.
func longestPauses(p *retry.Policy, count int) (sum time.Duration) {
	backoffs := []retry.Backoff{p.Backoff}
	longest := time.Duration(0)
	for _, b := range p.BackoffAfter {
		backoffs = append(backoffs, b)
	}
	for _, b := range backoffs {
		longest = max(longest, b.WithDefaults().Cap)
	}
	switch {
	case longest == 0:
		return 0
	case count > 1000:
		return times(longest, count)
	}
	for n := 1; n <= count; n++ {
		pause := time.Duration(0)
		for _, b := range backoffs {
			one := longestPause(b, n)
			if b.Kind == retry.Decorrelated && len(backoffs) > 1 { // the pause before may be of another kind, and long
				one = b.WithDefaults().Cap
			}
			pause = max(pause, one)
		}
		sum = plus(sum, pause)
	}
	return sum
}

// mix turns x into 64 bits that look random. It is the finalizer of SplitMix64
// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

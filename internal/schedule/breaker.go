package schedule

import (
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A Breaker is the state of a circuit breaker, which the calls to one destination share. The
// zero value is closed. Every call brings the settings of its policy.
type Breaker struct {
	counts  counts // of attempts, and of those that failed, since the latest change
	row     int    // failures since the latest success
	open    bool   // or half-open
	probing bool   // a probe is on its way
	since   time.Duration
	opened  uint64
	refused uint64
}

// Allow reports whether an attempt may be sent now, and whether it is the probe. Then its
// outcome must be told: by Note, or by Forget if there will be none.
func (b *Breaker) Allow(set retry.Breaker, now time.Duration) (allowed, probe bool) {
	if b.Refuses(set, now) {
		b.refused++
		return false, false
	}
	b.probing = b.open
	return true, b.open
}

// Refuses reports whether Allow would refuse an attempt at a time, as far as that is known
// now.
func (b *Breaker) Refuses(set retry.Breaker, at time.Duration) bool {
	return b.open && (b.probing || at < plus(b.since, set.WithDefaults().Open))
}

// Note notes the outcome of an attempt that was written out at a time, or is the probe. An
// attempt that is older than the latest change says nothing about the time since then, and
// while the breaker is not closed only the probe counts.
func (b *Breaker) Note(set retry.Breaker, now, written time.Duration, failed, probe bool) {
	switch {
	case probe:
		b.probing = false
		b.change(now, failed)
		return
	case b.open || written < b.since:
		return
	case !failed:
		b.row = 0
		b.counts.add(now, 1, 0)
		return
	}
	b.row++
	b.counts.add(now, 1, 1)
	set = set.WithDefaults()
	sum := &b.counts.sum
	inRow := set.Failures > 0 && b.row >= set.Failures
	share := set.Ratio > 0 && sum.all >= uint64(set.MinAttempts) && float64(sum.some) >= set.Ratio*float64(sum.all)
	if inRow || share {
		b.change(now, true)
	}
}

// Forget says that the probe has ended without an outcome. The next attempt is the probe.
func (b *Breaker) Forget() { b.probing = false }

// change opens or closes the breaker.
func (b *Breaker) change(now time.Duration, open bool) {
	b.open, b.since, b.row, b.counts = open, now, 0, counts{}
	if open {
		b.opened++
	}
}

// Opened returns how often the breaker has opened, also after a probe that failed.
func (b *Breaker) Opened() uint64 { return b.opened }

// Refused returns how many attempts it has refused.
func (b *Breaker) Refused() uint64 { return b.refused }

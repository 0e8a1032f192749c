package retry

import (
	"fmt"
	"time"
)

// A Budget bounds the retries of many calls together: at most Ratio of the calls
// of the last Window, and besides PerSecond of them a second. The zero value
// bounds nothing. A first attempt is never refused, and counts no retry.
//
// It holds for a node as a whole and, apart from that, for each destination: a
// retry needs the consent of both. (Finagle's RetryBudget has the ratio, the floor
// and the window: Twitter, 2016.)
type Budget struct {
	// Ratio is how many retries there may be for one call, from 0 to 1.
	Ratio float64 `json:"ratio,omitzero"`
	// PerSecond is the floor: so many retries are granted a second, however few
	// calls there are.
	PerSecond float64 `json:"per_second,omitzero"`
}

// Window is the time over which calls and retries are weighed. It slides in steps
// of a second, so that it is from 9 to 10 seconds long.
const Window = windowSlices * time.Second

const windowSlices = 10

func (b Budget) on() bool { return b != Budget{} }

func (b Budget) validate() error {
	switch {
	case !(b.Ratio >= 0 && b.Ratio <= 1):
		return fmt.Errorf("ratio: %v is not from 0 to 1", b.Ratio)
	case !(b.PerSecond >= 0 && b.PerSecond <= 1e9):
		return fmt.Errorf("per_second: %v is not from 0 to 1e9", b.PerSecond)
	}
	return nil
}

// A Ledger counts the calls and the retries of the last Window, of a node or to a
// destination, that budgets have to do with. The zero value is an empty one; times
// begin at 0.
type Ledger struct {
	slices  [windowSlices]struct{ calls, retries uint64 }
	sum     struct{ calls, retries uint64 }
	latest  int64 // second since the origin
	refused uint64
}

// Call counts a call.
func (l *Ledger) Call(now time.Duration) {
	s := l.slice(now)
	l.slices[s].calls++
	l.sum.calls++
}

// Affords reports whether the budget has room for one more retry.
func (l *Ledger) Affords(b Budget, now time.Duration) bool {
	l.slice(now)
	return float64(l.sum.retries+1) <= b.Ratio*float64(l.sum.calls)+b.PerSecond*windowSlices
}

// Retry counts a retry.
func (l *Ledger) Retry(now time.Duration) {
	s := l.slice(now)
	l.slices[s].retries++
	l.sum.retries++
}

// Refused is how many retries were refused since the beginning, for whatever
// ledger could not afford them.
func (l *Ledger) Refused() uint64 { return l.refused }

// slice is where now is counted. What has left the window is forgotten. A time
// before the latest counts as the latest.
func (l *Ledger) slice(now time.Duration) int {
	second := int64(now / time.Second)
	for steps := 0; l.latest < second; steps++ {
		if steps == windowSlices { // all are empty
			l.latest = second
			break
		}
		l.latest++
		s := &l.slices[l.latest%windowSlices]
		l.sum.calls -= s.calls
		l.sum.retries -= s.retries
		s.calls, s.retries = 0, 0
	}
	return int(l.latest % windowSlices)
}

// spend takes a retry out of the budget of both ledgers, or of neither if one
// cannot afford it; then both count that. A nil ledger affords everything.
func spend(b Budget, now time.Duration, node, dest *Ledger) bool {
	granted := (node == nil || node.Affords(b, now)) && (dest == nil || dest.Affords(b, now))
	for _, l := range [2]*Ledger{node, dest} {
		switch {
		case l == nil:
		case granted:
			l.Retry(now)
		default:
			l.refused++
		}
	}
	return granted
}

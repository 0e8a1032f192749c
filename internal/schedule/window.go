package schedule

import (
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A Window is a budget window: it counts the calls and the retries of the last
// [retry.BudgetWindow], of a node or to one destination. The zero value is an empty
// window. Times must not be negative.
type Window struct {
	slices  [windowSlices]struct{ calls, retries uint64 }
	sum     struct{ calls, retries uint64 }
	latest  int // the second of the latest slice
	refused uint64
}

// A window slides in steps of one second.
const windowSlices = int(retry.BudgetWindow / time.Second)

// AddCall counts a call.
func (w *Window) AddCall(now time.Duration) {
	s := w.slice(now)
	w.slices[s].calls++
	w.sum.calls++
}

// AddRetry counts a retry.
func (w *Window) AddRetry(now time.Duration) {
	s := w.slice(now)
	w.slices[s].retries++
	w.sum.retries++
}

// Allows reports whether the budget allows one more retry.
func (w *Window) Allows(b retry.Budget, now time.Duration) bool {
	w.slice(now)
	b = b.WithDefaults()
	return float64(w.sum.retries+1) <= b.Ratio*float64(w.sum.calls)+b.PerSecond*float64(windowSlices)
}

// Refused returns how many retries were refused since the beginning. It counts a
// retry in the windows of the node and of the destination, whichever did not allow it.
func (w *Window) Refused() uint64 { return w.refused }

// slice returns the index of the slice for now, and clears the slices that have left
// the window. A time before the latest counts as the latest.
func (w *Window) slice(now time.Duration) int {
	second := int(now / time.Second)
	for steps := 0; w.latest < second; steps++ {
		if steps == windowSlices { // all are empty
			w.latest = second
			break
		}
		w.latest++
		s := &w.slices[w.latest%windowSlices]
		w.sum.calls -= s.calls
		w.sum.retries -= s.retries
		s.calls, s.retries = 0, 0
	}
	return w.latest % windowSlices
}

// limits reports whether a budget limits anything.
func limits(b retry.Budget) bool { return b != retry.Budget{} }

// addCall counts a call in both windows. A nil window counts nothing.
func addCall(now time.Duration, windows [2]*Window) {
	for _, w := range windows {
		if w != nil {
			w.AddCall(now)
		}
	}
}

// takeRetry counts a retry in both windows if both allow it, and a refusal in both
// otherwise. A nil window allows every retry.
func takeRetry(b retry.Budget, now time.Duration, windows [2]*Window) bool {
	allowed := true
	for _, w := range windows {
		allowed = allowed && (w == nil || w.Allows(b, now))
	}
	for _, w := range windows {
		switch {
		case w == nil:
		case allowed:
			w.AddRetry(now)
		default:
			w.refused++
		}
	}
	return allowed
}

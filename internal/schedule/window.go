package schedule

import (
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A Window is a budget window: it counts the calls and the retries of the last
// [retry.BudgetWindow], of a node or to one destination, and the open calls that have sent
// a retry. The zero value is an empty window. Times must not be negative.
type Window struct {
	counts   counts // of calls, and of retries
	retrying int
	refused  uint64
}

// AddCall counts a call.
func (w *Window) AddCall(now time.Duration) { w.counts.add(now, 1, 0) }

// AddRetry counts a retry.
func (w *Window) AddRetry(now time.Duration) { w.counts.add(now, 0, 1) }

// Allows reports whether the budget allows one more retry.
func (w *Window) Allows(b retry.Budget, now time.Duration) bool {
	w.counts.slide(now)
	b = b.WithDefaults()
	sum := &w.counts.sum
	return float64(sum.some+1) <= b.Ratio*float64(sum.all)+b.PerSecond*float64(windowSlices)
}

// Refused returns how many retries were refused since the beginning. It counts a
// retry in the windows of the node and of the destination, whichever did not allow it.
func (w *Window) Refused() uint64 { return w.refused }

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
// otherwise. A nil window allows every retry. retrying says that the call has sent a retry
// before: it is one of those in flight already.
func takeRetry(b retry.Budget, now time.Duration, windows [2]*Window, retrying bool) bool {
	allowed := true
	for _, w := range windows {
		allowed = allowed && (w == nil || w.Allows(b, now) || w.hasRoom(b, retrying))
	}
	for _, w := range windows {
		switch {
		case w == nil:
		case !allowed:
			w.refused++
		default:
			w.AddRetry(now)
			if !retrying {
				w.retrying++
			}
		}
	}
	return allowed
}

// hasRoom reports whether few enough calls are retrying that the budget allows one more.
func (w *Window) hasRoom(b retry.Budget, retrying bool) bool {
	if retrying {
		return w.retrying <= b.InFlight
	}
	return w.retrying < b.InFlight
}

// endRetrying says that a call which has sent a retry is over.
func endRetrying(windows [2]*Window) {
	for _, w := range windows {
		if w != nil {
			w.retrying--
		}
	}
}

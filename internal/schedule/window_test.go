package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/retry"
)

func TestWindow(t *testing.T) {
	var w Window
	b := retry.Budget{Ratio: 0.2, PerSecond: 0.001}
	take := func(now time.Duration) bool { return takeRetry(b, now, [2]*Window{1: &w}, false) }
	for range 10 {
		w.AddCall(0)
	}
	for n, want := range []bool{true, true, false} {
		if take(0) != want {
			t.Errorf("10 calls do not allow exactly 2 retries: retry %d", n+1)
		}
	}
	if take(9999 * ms) {
		t.Error("one more retry before the window has passed")
	}
	w.AddCall(9999 * ms)
	if take(10 * time.Second) {
		t.Error("one call allows a retry")
	}
	for range 4 {
		w.AddCall(10 * time.Second)
	}
	if !take(10*time.Second) || take(10*time.Second) {
		t.Error("5 calls do not allow exactly 1 retry")
	}
	if take(time.Hour) {
		t.Error("calls an hour ago allow a retry")
	}
	if w.Refused() != 5 {
		t.Errorf("%d refused", w.Refused())
	}
	w.AddCall(time.Second) // a time before the latest counts as the latest
	if w.counts.sum.all != 1 {
		t.Errorf("%d calls", w.counts.sum.all)
	}
}

func TestFloor(t *testing.T) {
	var w Window
	allowed := 0
	for now := time.Duration(0); now < 100*time.Second; now += 10 * ms {
		if takeRetry(retry.Budget{PerSecond: 10}, now, [2]*Window{1: &w}, false) {
			allowed++
		}
	}
	if allowed != 1000 {
		t.Errorf("%d retries in 100 s", allowed)
	}
}

// With a ratio alone, a node that calls rarely could never retry. So a budget has a floor.
func TestRareCallsAreRetried(t *testing.T) {
	var w Window
	for now := time.Duration(0); now < time.Hour; now += 10 * time.Second {
		w.AddCall(now)
		for n := range 2 {
			if !takeRetry(retry.Budget{Ratio: 0.2}, now, [2]*Window{&w}, false) {
				t.Fatalf("%v: retry %d was refused", now, n+1)
			}
		}
	}
}

// A retry must be allowed by the node and by the destination, and counts in both
// windows or in none.
func TestBothWindows(t *testing.T) {
	b := retry.Budget{PerSecond: 0.1}
	var node, dest, other Window
	if !takeRetry(b, 0, [2]*Window{&node, &dest}, false) || takeRetry(b, 0, [2]*Window{&node, &other}, false) {
		t.Error("the node's window did not refuse")
	}
	if other.counts.sum.some != 0 || other.Refused() != 1 || node.Refused() != 1 {
		t.Error("a refused retry counts as a retry")
	}
	var fresh Window
	if takeRetry(b, 0, [2]*Window{&fresh, &dest}, false) || fresh.counts.sum.some != 0 {
		t.Error("the destination's window did not refuse")
	}
	if !takeRetry(b, 0, [2]*Window{}, false) {
		t.Error("a retry was refused without a window")
	}
}

// A window allows a retry exactly if a model that keeps all times allows it.
func TestWindowProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := retry.Budget{Ratio: rapid.Float64Range(0, 1).Draw(t, "ratio"), PerSecond: rapid.Float64Range(0, 2).Draw(t, "floor")}
		var w Window
		var calls, retries []time.Duration
		inWindow := func(all []time.Duration, now time.Duration) (n int) {
			for _, at := range all {
				if at/time.Second > now/time.Second-time.Duration(windowSlices) {
					n++
				}
			}
			return n
		}
		now := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "events") {
			now += time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "passes"))
			if rapid.Bool().Draw(t, "call") {
				w.AddCall(now)
				calls = append(calls, now)
				continue
			}
			full := b.WithDefaults()
			room := full.Ratio*float64(inWindow(calls, now)) + full.PerSecond*float64(windowSlices)
			want := float64(inWindow(retries, now)+1) <= room
			if got := takeRetry(b, now, [2]*Window{&w}, false); got != want {
				t.Fatalf("%v: allowed is %v", now, got)
			}
			if want {
				retries = append(retries, now)
			}
		}
	})
}

// However few calls there were, some may retry at the same time. A call that retries again
// takes up no more room.
func TestCallsInFlight(t *testing.T) {
	b := retry.Budget{Ratio: 0.01, PerSecond: 0.001, InFlight: 2}
	var w Window
	windows := [2]*Window{&w}
	for _, step := range []struct {
		retrying, want bool
	}{{false, true}, {true, true}, {false, true}, {true, true}, {false, false}, {true, true}} {
		if got := takeRetry(b, 0, windows, step.retrying); got != step.want {
			t.Fatalf("%+v: %v, with %d retrying", step, got, w.retrying)
		}
	}
	endRetrying(windows)
	if !takeRetry(b, 0, windows, false) || takeRetry(b, 0, windows, false) {
		t.Error("the end of one call does not make room for exactly one")
	}
	if w.Refused() != 2 || w.counts.sum.some != 6 {
		t.Errorf("%d refused, %d retries", w.Refused(), w.counts.sum.some)
	}
}

package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/retry"
)

func TestWindow(t *testing.T) {
	var l Window
	b := retry.Budget{Ratio: 0.2}
	grant := func(now time.Duration) bool { return takeRetry(b, now, nil, &l) }
	for range 10 {
		l.AddCall(0)
	}
	for n, want := range []bool{true, true, false} {
		if grant(0) != want {
			t.Errorf("10 calls do not pay for just 2 retries: number %d", n+1)
		}
	}
	if grant(9999 * ms) {
		t.Error("a retry more before the window has passed")
	}
	l.AddCall(9999 * ms)
	if grant(10 * time.Second) {
		t.Error("a single call pays for a retry")
	}
	for range 4 {
		l.AddCall(10 * time.Second)
	}
	if !grant(10*time.Second) || grant(10*time.Second) {
		t.Error("5 calls do not pay for just 1 retry")
	}
	if grant(time.Hour) {
		t.Error("calls an hour ago pay for a retry")
	}
	if l.Refused() != 5 {
		t.Errorf("%d refused", l.Refused())
	}
	l.AddCall(time.Second) // what comes too late counts now
	if l.sum.calls != 1 {
		t.Errorf("%d calls", l.sum.calls)
	}
}

func TestFloor(t *testing.T) {
	var l Window
	granted := 0
	for now := time.Duration(0); now < 100*time.Second; now += 10 * ms {
		if takeRetry(retry.Budget{PerSecond: 10}, now, nil, &l) {
			granted++
		}
	}
	if granted != 1000 {
		t.Errorf("%d retries in 100 s", granted)
	}
}

// A retry needs the consent of the node and of the destination, and is taken from
// both or from none.
func TestBothWindows(t *testing.T) {
	b := retry.Budget{PerSecond: 0.1}
	var node, dest, other Window
	if !takeRetry(b, 0, &node, &dest) || takeRetry(b, 0, &node, &other) {
		t.Error("the node's budget is not heeded")
	}
	if other.sum.retries != 0 || other.Refused() != 1 || node.Refused() != 1 {
		t.Error("a retry that was refused is counted as one")
	}
	var fresh Window
	if takeRetry(b, 0, &fresh, &dest) || fresh.sum.retries != 0 {
		t.Error("the destination's budget is not heeded")
	}
	if !takeRetry(b, 0, nil, nil) {
		t.Error("no ledger refuses")
	}
}

// In every window there are at most so many retries as the budget allows, counted
// by a model that keeps them all.
func TestWindowProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := retry.Budget{Ratio: rapid.Float64Range(0, 1).Draw(t, "ratio"), PerSecond: rapid.Float64Range(0, 2).Draw(t, "floor")}
		var l Window
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
				l.AddCall(now)
				calls = append(calls, now)
				continue
			}
			room := b.Ratio*float64(inWindow(calls, now)) + b.PerSecond*float64(windowSlices)
			want := float64(inWindow(retries, now)+1) <= room
			if got := takeRetry(b, now, &l, nil); got != want {
				t.Fatalf("%v: granted is %v", now, got)
			}
			if want {
				retries = append(retries, now)
			}
		}
	})
}

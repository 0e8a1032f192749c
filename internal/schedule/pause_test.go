package schedule

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/policytest"
	"github.com/eddyrpc/eddy/retry"
)

func TestPauses(t *testing.T) {
	const half = 1 << 63
	for _, tt := range []struct {
		name    string
		backoff retry.Backoff
		want    [4]time.Duration // after attempts 1 to 4, at the middle of the random range
	}{
		{"none", retry.Backoff{}, [4]time.Duration{}},
		{"constant", retry.Backoff{Kind: retry.Constant}, [4]time.Duration{100 * ms, 100 * ms, 100 * ms, 100 * ms}},
		{"exponential", retry.Backoff{Kind: retry.Exponential, Base: 10 * ms}, [4]time.Duration{10 * ms, 20 * ms, 40 * ms, 80 * ms}},
		{"cap", retry.Backoff{Kind: retry.Exponential, Base: 10 * ms, Cap: 30 * ms}, [4]time.Duration{10 * ms, 20 * ms, 30 * ms, 30 * ms}},
		{"full", retry.Backoff{Kind: retry.Exponential, Base: 10 * ms, Jitter: retry.FullJitter}, [4]time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms}},
		{"equal", retry.Backoff{Kind: retry.Constant, Base: 10 * ms, Jitter: retry.EqualJitter}, [4]time.Duration{7500 * time.Microsecond, 7500 * time.Microsecond, 7500 * time.Microsecond, 7500 * time.Microsecond}},
		{"fraction", retry.Backoff{Kind: retry.Constant, Base: 10 * ms, Jitter: retry.PlusMinus(0.25)}, [4]time.Duration{10 * ms, 10 * ms, 10 * ms, 10 * ms}},
		// The middle of 10 to 30, of 10 to 60, of 10 to 105.
		{"decorrelated", retry.Backoff{Kind: retry.Decorrelated, Base: 10 * ms, Cap: 50 * ms}, [4]time.Duration{20 * ms, 35 * ms, 50 * ms, 50 * ms}},
		{"a base above the default cap", retry.Backoff{Kind: retry.Exponential, Base: time.Minute}, [4]time.Duration{time.Minute, time.Minute, time.Minute, time.Minute}},
	} {
		var got [4]time.Duration
		before := time.Duration(0)
		for i := range got {
			before = DrawPause(tt.backoff, i+1, before, half)
			got[i] = before
		}
		if got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Every pause is within the bounds of its kind and of the cap, and not negative.
func TestPauseBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policytest.Any(t)
		b := p.Backoff.WithDefaults()
		before := time.Duration(0)
		for n := 1; n < 70; n++ {
			pause := DrawPause(b, n, before, rapid.Uint64().Draw(t, "random"))
			switch {
			case b.Kind == retry.NoBackoff:
				if pause != 0 {
					t.Fatalf("no backoff, and a pause of %v", pause)
				}
				return
			case pause < 0 || pause > b.Cap || pause > longestPause(b, n):
				t.Fatalf("%+v: pause %d is %v, the longest %v", b, n, pause, longestPause(b, n))
			case b.Kind == retry.Decorrelated && (pause < b.Base || pause > times(max(before, b.Base), 3)):
				t.Fatalf("%+v: %v after %v", b, pause, before)
			case b.Kind != retry.Decorrelated && b.Jitter == retry.NoJitter && pause != min(b.Cap, growth(b, n)):
				t.Fatalf("%+v: pause %d is %v", b, n, pause)
			}
			before = pause
		}
	})
}

// With the same seed, a call has the same pauses in every incarnation. With another
// seed or number, it has others.
func TestSeed(t *testing.T) {
	pauses := func(seed, call, incarnation uint64) (all []time.Duration) {
		p := &retry.Policy{Attempts: 10, Backoff: retry.Backoff{Kind: retry.Exponential, Jitter: retry.FullJitter, Seed: seed}}
		var s Schedule
		decision, now := s.Begin(p, Start{CallNumber: call, Incarnation: incarnation}), time.Duration(0)
		for decision.Action != GiveUp {
			if decision.Action == Pause {
				all = append(all, decision.Until-now)
			}
			if decision.Action == Send {
				decision = s.Written(now)
				continue
			}
			now = decision.Until
			decision = s.Due(now)
		}
		return all
	}
	first := pauses(1, 1, 1)
	if len(first) != 9 || !slices.Equal(first, pauses(1, 1, 2)) {
		t.Errorf("%v, and in another incarnation %v", first, pauses(1, 1, 2))
	}
	for name, other := range map[string][]time.Duration{
		"another seed": pauses(2, 1, 1), "another call": pauses(1, 2, 1), "no seed": pauses(0, 1, 3),
	} {
		if slices.Equal(first, other) {
			t.Errorf("%s: the same pauses", name)
		}
	}
	if slices.Equal(pauses(0, 1, 1), pauses(0, 1, 2)) {
		t.Error("two incarnations have the same pauses without a seed")
	}
}

// FullJitter is uniform: its mean is half the pause.
func TestJitterIsUniform(t *testing.T) {
	b := retry.Backoff{Kind: retry.Constant, Base: time.Second, Jitter: retry.FullJitter}
	sum := 0.0
	const n = 100_000
	for i := range uint64(n) {
		sum += DrawPause(b, 1, 0, mix(i)).Seconds()
	}
	if mean := sum / n; mean < 0.495 || mean > 0.505 {
		t.Errorf("mean %v", mean)
	}
}

func TestScale(t *testing.T) {
	if got := scale(Never, 2); got != Never {
		t.Error(got)
	}
	if got := jittered(retry.Jitter{Low: 0.5, High: 1.5}, time.Second, 0.5); got != time.Second {
		t.Error(got)
	}
}

// A decorrelated pause is a base plus a random part. The sum must not overflow.
func TestHugeDecorrelatedPause(t *testing.T) {
	b := retry.Backoff{Kind: retry.Decorrelated, Base: Never - 400}
	if got := DrawPause(b, 1, 0, math.MaxUint64); got < b.Base {
		t.Errorf("pause %v", got)
	}
	var s Schedule
	s.Begin(&retry.Policy{Backoff: b, Deadline: time.Second}, Start{})
	s.Written(0)
	want := Decision{Action: Wait, Until: time.Second, Reason: DeadlinePassed}
	if got := s.Due(500 * ms); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

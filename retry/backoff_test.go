package retry

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPauses(t *testing.T) {
	const half = 1 << 63
	for _, tt := range []struct {
		name    string
		backoff Backoff
		want    [4]time.Duration // after attempts 1 to 4, with an average draw
	}{
		{"none", Backoff{}, [4]time.Duration{}},
		{"constant", Backoff{Kind: Constant}, [4]time.Duration{100 * ms, 100 * ms, 100 * ms, 100 * ms}},
		{"exponential", Backoff{Kind: Exponential, Base: 10 * ms}, [4]time.Duration{10 * ms, 20 * ms, 40 * ms, 80 * ms}},
		{"cap", Backoff{Kind: Exponential, Base: 10 * ms, Cap: 30 * ms}, [4]time.Duration{10 * ms, 20 * ms, 30 * ms, 30 * ms}},
		{"full", Backoff{Kind: Exponential, Base: 10 * ms, Jitter: FullJitter}, [4]time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms}},
		{"equal", Backoff{Kind: Constant, Base: 10 * ms, Jitter: EqualJitter}, [4]time.Duration{7500 * time.Microsecond, 7500 * time.Microsecond, 7500 * time.Microsecond, 7500 * time.Microsecond}},
		{"fraction", Backoff{Kind: Constant, Base: 10 * ms, Jitter: PlusMinus(0.25)}, [4]time.Duration{10 * ms, 10 * ms, 10 * ms, 10 * ms}},
		// The middle of 10 to 30, of 10 to 60, of 10 to 105.
		{"decorrelated", Backoff{Kind: Decorrelated, Base: 10 * ms, Cap: 50 * ms}, [4]time.Duration{20 * ms, 35 * ms, 50 * ms, 50 * ms}},
		{"a base over the usual cap", Backoff{Kind: Exponential, Base: time.Minute}, [4]time.Duration{time.Minute, time.Minute, time.Minute, time.Minute}},
	} {
		var got [4]time.Duration
		before := time.Duration(0)
		for i := range got {
			before = tt.backoff.Pause(i+1, before, half)
			got[i] = before
		}
		if got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Every pause is within its kind's bounds, and none over the cap.
func TestPauseBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawAny(t)
		b := &p.Backoff
		before := time.Duration(0)
		for n := 1; n < 70; n++ {
			pause := b.Pause(n, before, rapid.Uint64().Draw(t, "random"))
			switch {
			case b.Kind == NoBackoff:
				if pause != 0 {
					t.Fatalf("none is %v", pause)
				}
				return
			case pause < 0 || pause > b.cap() || pause > b.longest(n):
				t.Fatalf("%+v: pause %d is %v, the longest %v", b, n, pause, b.longest(n))
			case b.Kind == Decorrelated && (pause < b.Base || pause > max(3*before, 3*b.Base)):
				t.Fatalf("%+v: %v after %v", b, pause, before)
			case b.Kind != Decorrelated && b.Jitter == NoJitter && pause != min(b.cap(), b.grown(n)):
				t.Fatalf("%+v: pause %d is %v", b, n, pause)
			}
			before = pause
		}
	})
}

// The same seed gives the same call the same pauses, whatever the process; another
// seed or another call others.
func TestSeed(t *testing.T) {
	pauses := func(seed, call, life uint64) (all []time.Duration) {
		p := &Policy{Attempts: 10, Backoff: Backoff{Kind: Exponential, Jitter: FullJitter, Seed: seed}}
		var s Schedule
		next, now := s.Begin(p, Start{Call: call, Life: life}), time.Duration(0)
		for next.Step != GiveUp {
			if next.Step == Pause {
				all = append(all, next.Until-now)
			}
			if next.Step == SendAgain {
				next = s.Written(now)
				continue
			}
			now = next.Until
			next = s.Due(now)
		}
		return all
	}
	first := pauses(1, 1, 1)
	if len(first) != 9 || !slices.Equal(first, pauses(1, 1, 2)) {
		t.Errorf("%v, and in another life %v", first, pauses(1, 1, 2))
	}
	for name, other := range map[string][]time.Duration{
		"another seed": pauses(2, 1, 1), "another call": pauses(1, 2, 1), "no seed": pauses(0, 1, 3),
	} {
		if slices.Equal(first, other) {
			t.Errorf("%s: the same pauses", name)
		}
	}
	if slices.Equal(pauses(0, 1, 1), pauses(0, 1, 2)) {
		t.Error("two lives have the same pauses without a seed")
	}
}

// FullJitter spreads evenly: its mean is half the pause.
func TestJitterIsEven(t *testing.T) {
	b := Backoff{Kind: Constant, Base: time.Second, Jitter: FullJitter}
	sum := 0.0
	const n = 100_000
	for i := range uint64(n) {
		sum += b.Pause(1, 0, mix(i)).Seconds()
	}
	if mean := sum / n; mean < 0.495 || mean > 0.505 {
		t.Errorf("mean %v", mean)
	}
}

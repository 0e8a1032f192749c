package schedule

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/retry"
)

// A percentile is one of the latest 256 values; it may miss the latest 15.
func TestPercentile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r RoundTrips
		var all []time.Duration
		p := rapid.Float64Range(0.1, 99.9).Draw(t, "percentile")
		for range rapid.IntRange(0, 600).Draw(t, "values") {
			d := time.Duration(rapid.IntRange(1, 1000).Draw(t, "value")) * ms
			r.Add(d)
			all = append(all, d)
			got, ok := r.Percentile(p)
			if ok != (len(all) >= enoughRoundTrips) {
				t.Fatalf("%d values: known is %v", len(all), ok)
			}
			if !ok {
				continue
			}
			upTo := len(all) - (len(all)-enoughRoundTrips)%staleAfter
			known := slices.Sorted(slices.Values(all[max(0, upTo-256):upTo]))
			if want := known[int(math.Ceil(p/100*float64(len(known))-1e-9))-1]; got != want {
				t.Fatalf("%d values: %v, want %v", len(all), got, want)
			}
		}
	})
}

// A hedge is sent after the percentile of the round trips, and until 20 of them are known
// after the fixed delay.
func TestHedgeFollowsRoundTrips(t *testing.T) {
	dest := &Destination{}
	p := load(t, `{"attempts":2,"hedge":"100ms","hedge_percentile":90,"timeout":"1s"}`)
	now := time.Duration(0)
	hedgeAfter := func() time.Duration {
		var s Schedule
		s.Begin(p, Start{Now: now, Dest: dest})
		return s.Written(now).Until - now
	}
	for n := range 20 {
		if got := hedgeAfter(); got != 100*ms {
			t.Fatalf("after %d round trips: %v", n, got)
		}
		var s Schedule
		s.Begin(p, Start{Now: now, Dest: dest})
		s.Written(now)
		took := time.Duration(n+1) * ms
		s.Reply(now+took, 1, now)
		now += time.Second
	}
	if got := hedgeAfter(); got != 18*ms {
		t.Errorf("after round trips of 1 to 20 ms: %v", got)
	}
}

// About as many calls send a hedge as the percentile says, whether round trips are of one kind
// or of two. If only replies counted, the delay would shrink: the replies that a hedge makes
// useless would be missing, and these are the slow ones.
func TestShareOfHedges(t *testing.T) {
	for name, draw := range map[string]func(r *rand.Rand) time.Duration{
		"exponential": func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(20*ms)) },
		"a slow tenth": func(r *rand.Rand) time.Duration {
			return time.Duration((5 + 5*r.Float64() + []float64{0, 200 * r.Float64()}[r.IntN(10)/9]) * float64(ms))
		},
	} {
		for _, percentile := range []float64{80, 95, 99} {
			p := &retry.Policy{Attempts: 2, Hedge: 50 * ms, HedgePercentile: percentile, Timeout: time.Second}
			random := rand.New(rand.NewPCG(1, 2))
			dest := &Destination{}
			hedges, now := 0, time.Duration(0)
			const calls = 20_000
			for range calls {
				now += time.Second
				var s Schedule
				s.Begin(p, Start{Now: now, Dest: dest})
				first, delay := draw(random), s.Written(now).Until-now
				if first < delay {
					s.Reply(now+first, 1, now)
					continue
				}
				hedges++
				s.Due(now + delay)
				s.Written(now + delay)
				if second := delay + draw(random); second < first {
					s.Reply(now+second, 2, now+delay)
				} else {
					s.Reply(now+first, 1, now)
				}
			}
			want := 1 - percentile/100
			if got := float64(hedges) / calls; got < 0.7*want || got > 1.7*want {
				t.Errorf("%s, percentile %v: %.4f of the calls sent a hedge", name, percentile, got)
			}
		}
	}
}

// The delay is never longer than the call would wait without a hedge.
func TestHedgeDelayIsBounded(t *testing.T) {
	dest := &Destination{RoundTrips: &RoundTrips{}}
	for range 20 {
		dest.RoundTrips.Add(time.Minute)
	}
	var s Schedule
	s.Begin(load(t, `{"hedge":"100ms","hedge_percentile":90,"timeout":"1s"}`), Start{Dest: dest})
	if got := s.Written(0).Until; got != time.Second {
		t.Errorf("%v", got)
	}
	*dest.RoundTrips = RoundTrips{}
	for range 20 {
		dest.RoundTrips.Add(0)
	}
	s.Begin(load(t, `{"hedge":"100ms","hedge_percentile":90,"timeout":"1s"}`), Start{Dest: dest})
	if got := s.Written(0).Until; got != Granularity {
		t.Errorf("%v", got)
	}
}

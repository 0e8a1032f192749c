package plan

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// near checks that the mean of n calls is within 1 % of want, or within three standard
// errors if that is more. spread is the standard deviation of one call.
func near(t *testing.T, what string, got, want, spread float64, n int) {
	t.Helper()
	if off := math.Abs(got - want); off > 0.01*want && off > 3*spread/math.Sqrt(float64(n)) || math.IsNaN(got) {
		t.Errorf("%s: got %.6f, want %.6f", what, got, want)
	}
}

// share is like near for a share of calls.
func share(t *testing.T, what string, got, want float64, n int) {
	t.Helper()
	near(t, what, got, want, math.Sqrt(want*(1-want)), n)
}

// With loss p each way, an attempt succeeds with probability q = (1-p)^2. All other
// values follow from that.
func TestLossFormulas(t *testing.T) {
	t.Parallel()
	for _, p := range []float64{0, 0.01, 0.1, 0.3, 0.7} {
		for _, n := range []int{1, 2, 3, 6} {
			t.Run(fmt.Sprintf("p=%v,n=%d", p, n), func(t *testing.T) {
				m := &Model{Calls: some, Loss: p, Seed: uint64(n)}
				if p == 0.1 && n == 3 {
					m.Calls = all
				}
				r := Run(m, &retry.Policy{Attempts: n}, Watch{})
				q := (1 - p) * (1 - p)
				fails := math.Pow(1-q, float64(n))
				share(t, "success", r.Success, 1-fails, r.Calls)
				near(t, "attempts", r.Attempts, (1-fails)/q, float64(n), r.Calls)
				near(t, "deliveries", r.Deliveries, (1-fails)/(1-p), float64(n), r.Calls)
				share(t, "failed but executed", r.FailedButExecuted, fails-math.Pow(p, float64(n)), r.Calls)
				if r.Executions != r.Deliveries || r.Amplification != r.Deliveries {
					t.Errorf("%v executions, %v deliveries, amplification %v", r.Executions, r.Deliveries, r.Amplification)
				}
			})
		}
	}
}

// Exponential latency with mean 1, and three attempts with a timeout of 0.5. If late
// replies are accepted, a call fails if the round trips are longer than 1.5, 1 and 0.5.
// So 1-e^-3 of the calls succeed, with 1+e^-0.5+e^-1.5 attempts on average.
func TestExponentialLatency(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		late              retry.Late
		success, attempts float64
	}{
		{retry.Accept, 0.9502, 1.830},
		{retry.Ignore, 0.7769, 1.974},
	} {
		m := &Model{Calls: all, Latency: sim.Exponential(time.Second)}
		r := Run(m, &retry.Policy{Timeout: 500 * ms, Late: tt.late}, Watch{})
		share(t, tt.late.String()+" success", r.Success, tt.success, r.Calls)
		near(t, tt.late.String()+" attempts", r.Attempts, tt.attempts, 1, r.Calls)
	}
}

func TestConstantLatency(t *testing.T) {
	for _, tt := range []struct {
		late              retry.Late
		success, attempts float64
		p50               float64
	}{
		{retry.Accept, 1, 2, 600},
		{retry.Ignore, 0, 3, 1500},
	} {
		m := &Model{Calls: 10_000, Latency: sim.Constant(600 * ms)}
		r := Run(m, &retry.Policy{Late: tt.late}, Watch{})
		if r.Success != tt.success || r.Attempts != tt.attempts || r.P50 != tt.p50 || r.P999 != tt.p50 {
			t.Errorf("%v: %+v", tt.late, r)
		}
	}
}

var dead = Window{0, maxDuration}

// If the leaf is dead, d hops of n attempts send n^d requests to it. With propagate,
// nobody retries on behalf of a retry.
func TestHopsToADeadLeaf(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 4} {
		for d := 1; d <= 4; d++ {
			m := &Model{Calls: 1000, Hops: d, Outage: dead}
			r := Run(m, &retry.Policy{Attempts: n}, Watch{})
			if want := math.Pow(float64(n), float64(d)); r.Deliveries != want || r.Success != 0 {
				t.Errorf("n=%d d=%d: %v deliveries, want %v", n, d, r.Deliveries, want)
			}
			r = Run(m, &retry.Policy{Attempts: n, Propagate: true}, Watch{})
			// This is an upper bound. Without latency it is reached.
			if most := float64(d*(n-1) + 1); r.Deliveries != most || r.Success != 0 {
				t.Errorf("n=%d d=%d, propagated: %v deliveries, want %v", n, d, r.Deliveries, most)
			}
			m.Latency = sim.Exponential(200 * ms)
			r = Run(m, &retry.Policy{Attempts: n, Propagate: true}, Watch{})
			if most := float64(d*(n-1) + 1); r.Deliveries > most {
				t.Errorf("n=%d d=%d, propagated with latency: %v deliveries, want at most %v", n, d, r.Deliveries, most)
			}
		}
	}
}

// With a ratio of b and a floor of f retries per call, each hop sends at most 1+b times
// as many attempts as it gets requests, and f more. If every attempt fails, it sends
// that many in the long run. Before that, the floor of one empty window comes on top.
func TestBudgetToADeadLeaf(t *testing.T) {
	t.Parallel()
	for _, budget := range []retry.Budget{{Ratio: 0.1}, {Ratio: 0.2}, {Ratio: 0.5}, {Ratio: 0.2, PerSecond: 1e-9}, {PerSecond: 10}} {
		b, floor := budget.Ratio, budget.WithDefaults().PerSecond/DefaultRate
		window := budget.WithDefaults().PerSecond * retry.BudgetWindow.Seconds() / some
		for d := 1; d <= 3; d++ {
			m := &Model{Calls: some, Hops: d, Outage: dead}
			r := Run(m, &retry.Policy{Attempts: 3, Budget: budget}, Watch{})
			want, calls := 1.0, 0.0 // calls of all hops
			for range d {
				calls += want
				want = want*(1+b) + floor
			}
			if r.Deliveries > 1.01*want+float64(d)*window || r.Deliveries < 0.95*want {
				t.Errorf("%+v d=%d: %v deliveries, want at most %v", budget, d, r.Deliveries, want)
			}
			// Each call ends with a refusal, unless both of its retries were allowed.
			if r.RetriesRefused > 1.01*calls || r.RetriesRefused < 0.97*(1-(b+floor)/2)*calls {
				t.Errorf("%+v d=%d: %v refused, of %v calls", budget, d, r.RetriesRefused, calls)
			}
		}
	}
}

// With the same random numbers, a policy that accepts late replies never succeeds less
// often, or later, or with more attempts.
func TestAcceptingLateIsNeverWorse(t *testing.T) {
	t.Parallel()
	for _, latency := range []sim.Dist{sim.Exponential(400 * ms), sim.Uniform(0, 2*time.Second), sim.Constant(700 * ms), sim.Lognormal(300*ms, 1.5)} {
		for _, loss := range []float64{0, 0.2} {
			for _, p := range []retry.Policy{{}, {Attempts: 6, Timeout: 200 * ms}, {LastTimeout: 2 * time.Second},
				{Deadline: time.Second}, {Backoff: retry.Backoff{Kind: retry.Exponential, Jitter: retry.FullJitter, Seed: 1}}} {
				m := &Model{Calls: longtest.Or(20_000, 5_000), Latency: latency, Loss: loss, Seed: 7}
				accepted, ignored := outcomes(m, p, retry.Accept), outcomes(m, p, retry.Ignore)
				for i, a := range accepted {
					if g := ignored[i]; !a.OK && g.OK || a.Attempts > g.Attempts || a.OK && a.Took > g.Took {
						t.Fatalf("%v, loss %v, %+v, call %d: accepted %+v, ignored %+v", latency, loss, p, i, a, g)
					}
				}
			}
		}
	}
}

func outcomes(m *Model, p retry.Policy, late retry.Late) []Outcome {
	p.Late = late
	all := make([]Outcome, m.Calls)
	Run(m, &p, Watch{Ended: func(o Outcome) { all[o.Call] = o }})
	return all
}

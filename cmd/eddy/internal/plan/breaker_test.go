package plan

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// A breakerCase has one attempt per call, which fails with probability f. Calls come so rarely
// that each ends before the next begins.
//
// The breaker is closed until k attempts in a row fail, which takes (f^-k - 1)/(1-f) of them.
// Then it is open for a time in which rate·open calls come. Then the probe fails with
// probability f, and it is open again. So there are 1/(1-f) probes and open times until it
// closes.
type breakerCase struct {
	loss, rate float64
	k          int
	open       time.Duration
}

// refused is the share of the calls that the breaker refuses.
func (c breakerCase) refused() float64 {
	f := 1 - (1-c.loss)*(1-c.loss)
	attempts := (math.Pow(f, -float64(c.k))-1)/(1-f) + 1/(1-f)
	refused := c.rate * c.open.Seconds() / (1 - f)
	return refused / (refused + attempts)
}

func (c breakerCase) policy() *retry.Policy {
	return &retry.Policy{Attempts: 1, Timeout: ms / 10, Breaker: retry.Breaker{Failures: c.k, Open: c.open}}
}

var breakerCases = []breakerCase{
	{0.3, 10, 3, time.Second},
	{0.1, 10, 2, 5 * time.Second},
	{0.5, 5, 5, 2 * time.Second},
	{0.02, 20, 1, time.Second},
}

func TestBreakerFormula(t *testing.T) {
	t.Parallel()
	for _, c := range breakerCases {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			m := &Model{Calls: some, Loss: c.loss, Rate: c.rate, Seed: 3}
			r := Run(m, c.policy(), Watch{})
			want := c.refused()
			// The outcomes of calls between two closings depend on each other.
			together := c.rate * c.open.Seconds() / want
			near(t, "refused", r.BreakerRefused, want, math.Sqrt(want*(1-want)*together), r.Calls)
			near(t, "attempts", r.Attempts, 1-want, math.Sqrt(want*(1-want)*together), r.Calls)
			q := (1 - c.loss) * (1 - c.loss)
			near(t, "success", r.Success, (1-want)*q, math.Sqrt(want*(1-want)*together), r.Calls)
			near(t, "failed but executed", r.FailedButExecuted, (1-want)*(1-c.loss)*c.loss, 1, r.Calls)
		})
	}
}

// A dead leaf gets a message for each probe, and no others.
func TestBreakerOfADeadLeaf(t *testing.T) {
	m := &Model{Duration: 100 * time.Second, Rate: 100, Loss: 1}
	r := Run(m, &retry.Policy{Breaker: retry.Breaker{Failures: 1, Open: time.Second}}, Watch{})
	// The calls of the first 500 ms, and then one about every 1.5 s: the probe waits 0.5 s.
	if sent := r.Attempts * float64(r.Calls); sent < 50+60 || sent > 50+75 || r.Success != 0 {
		t.Errorf("%v attempts were sent", sent)
	}
}

// A relay whose breaker refuses its attempt answers definitely, and so it is a failure for the
// breaker of its caller.
func TestBreakersOfRelays(t *testing.T) {
	m := &Model{Duration: 100 * time.Second, Rate: 100, Hops: 2, Capacity: 1e6, Outage: Window{time.Second, 1000 * time.Second}}
	p := &retry.Policy{Attempts: 2, Breaker: retry.Breaker{Failures: 1, Open: time.Second}}
	r := Run(m, p, Watch{})
	if sent := r.Deliveries * float64(r.Calls); sent > 100+100+2*75 {
		t.Errorf("%v requests reach the leaf", sent)
	}
	if r.Attempts > 0.2 {
		t.Errorf("the first caller sends %v attempts per call to a relay that can do nothing", r.Attempts)
	}
}

// Retries with in_flight alone are customers of n servers without a queue: a call whose first
// attempt has timed out holds a place until it ends, which is at once if the second attempt
// succeeds. So Erlang's formula B says how many are refused (Erlang, 1917), and only the mean
// of these times counts.
func TestCallsInFlightFormula(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		loss, rate float64
		n          int
	}{{0.3, 100, 10}, {0.3, 100, 1}, {0.1, 1000, 20}, {0.1, 0.3, 3}} {
		m := &Model{Calls: some, Loss: tt.loss, Rate: tt.rate, Seed: 5}
		r := Run(m, &retry.Policy{Attempts: 2, Budget: retry.Budget{InFlight: tt.n}}, Watch{})
		f := 1 - (1-tt.loss)*(1-tt.loss)
		b := erlangB(tt.n, tt.rate*f*f*retry.DefaultTimeout.Seconds())
		near(t, fmt.Sprint(tt, " refused"), r.RetriesRefused, f*b, 3*math.Sqrt(f*b), r.Calls)
		near(t, fmt.Sprint(tt, " success"), r.Success, 1-f+f*(1-b)*(1-f), 1, r.Calls)
	}
}

// erlangB is the share of customers that find n servers busy, with an offered load of a.
func erlangB(n int, a float64) float64 {
	b := 1.0
	for k := 1; k <= n; k++ {
		b = a * b / (float64(k) + a*b)
	}
	return b
}

// With a ratio alone, a caller that calls rarely can hardly retry. With a few calls in flight
// it can, as if there were no budget.
func TestQuietCallers(t *testing.T) {
	m := &Model{Calls: some, Loss: 0.1, Rate: 0.3}
	free := Run(m, nil, Watch{}).Success
	ratio := retry.Budget{Ratio: 0.2, PerSecond: 1e-6}
	starved := Run(m, &retry.Policy{Budget: ratio}, Watch{}).Success
	ratio.InFlight = 3
	fed := Run(m, &retry.Policy{Budget: ratio}, Watch{}).Success
	if starved > 0.87 || free < 0.99 || fed < free-0.001 {
		t.Errorf("success %v with a ratio alone, %v with calls in flight, %v without a budget", starved, fed, free)
	}
	// If all calls of a busy caller fail, the calls in flight add little.
	busy := &Model{Duration: 100 * time.Second, Rate: 1000, Loss: 1}
	if r := Run(busy, &retry.Policy{Budget: ratio}, Watch{}); r.Attempts > 1.21 {
		t.Errorf("%v attempts per call", r.Attempts)
	}
}

// A hedge that follows the round trips costs about the same share of calls however fast the
// leaf is.
func TestHedgePercentile(t *testing.T) {
	for _, mean := range []time.Duration{2 * ms, 20 * ms, 200 * ms} {
		m := &Model{Calls: some, Latency: sim.Exponential(mean)}
		r := Run(m, &retry.Policy{Attempts: 2, Hedge: 100 * ms, HedgePercentile: 90, Timeout: 5 * time.Second}, Watch{})
		if hedges := r.Attempts - 1; hedges < 0.09 || hedges > 0.13 {
			t.Errorf("mean %v: %.3f hedges per call", mean, hedges)
		}
	}
}

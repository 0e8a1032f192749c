package plan_test

import (
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/plan"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// What eddy plan says of a policy is true for a node: in virtual time, a node makes calls at
// random times to another one, over a network that loses messages at random.
func TestLive(t *testing.T) {
	const ms = time.Millisecond
	calls := longtest.Or(100_000, 20_000)
	for name, tt := range map[string]struct {
		p    *eddy.Policy
		m    plan.Model
		most float64 // difference of shares and of attempts per call, in short tests
	}{
		"default":        {nil, plan.Model{Loss: 0.1, Rate: 100}, 0.015},
		"breaker":        {&eddy.Policy{Attempts: 2, Breaker: retry.Breaker{Failures: 3, Open: time.Second}}, plan.Model{Loss: 0.2, Rate: 10}, 0.04},
		"breaker ratio":  {&eddy.Policy{Attempts: 1, Breaker: retry.Breaker{Ratio: 0.4, MinAttempts: 10, Open: 2 * time.Second}}, plan.Model{Loss: 0.15, Rate: 10}, 0.04},
		"in flight":      {&eddy.Policy{Budget: retry.Budget{Ratio: 0.01, PerSecond: 0.001, InFlight: 2}}, plan.Model{Loss: 0.1, Rate: 10}, 0.02},
		"a quiet caller": {&eddy.Policy{Budget: retry.Budget{Ratio: 0.2, PerSecond: 1e-6}}, plan.Model{Loss: 0.1, Rate: 0.3}, 0.02},
		"hedged by the p90": {&eddy.Policy{Attempts: 2, Hedge: 100 * ms, HedgePercentile: 90},
			plan.Model{Latency: sim.Exponential(20 * ms), Rate: 100}, 0.02},
		"backoff by kind": {&eddy.Policy{BackoffAfter: map[string]retry.Backoff{retry.AfterTimeout: {Kind: retry.Exponential, Jitter: retry.FullJitter}}, Deadline: 1300 * ms},
			plan.Model{Loss: 0.3, Rate: 100}, 0.02},
	} {
		t.Run(name, func(t *testing.T) {
			m := tt.m
			m.Calls, m.Seed = 10*calls, 1
			want := plan.Run(&m, tt.p, plan.Watch{})
			synctest.Test(t, func(t *testing.T) {
				success, attempts := live(t, &m, tt.p, calls)
				if math.Abs(success-want.Success) > tt.most || math.Abs(attempts-want.Attempts) > tt.most {
					t.Errorf("success %.4f, %.4f attempts per call; eddy plan says %.4f, %.4f", success, attempts, want.Success, want.Attempts)
				}
			})
		})
	}
}

// live makes calls and returns the share that succeeds and the attempts per call.
func live(t *testing.T, m *plan.Model, p *eddy.Policy, calls int) (success, attempts float64) {
	random := rand.New(rand.NewPCG(m.Seed, 7))
	fates := rand.New(rand.NewPCG(m.Seed, 8)) // other goroutines draw from it
	net := eddytest.New(t)
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	net.Start("n1", n)
	n2 := net.Client("n2")
	n2.Handle(func(request eddy.Message) { n2.Reply(request, `{"type":"ok"}`) })
	net.Script(func(eddy.Message) eddytest.Fate {
		if fates.Float64() < m.Loss {
			return eddytest.Lost
		}
		return eddytest.Fate{m.Latency.At(fates.Float64()) / 2}
	})
	ended := make(chan eddy.Result, calls)
	for range calls {
		time.Sleep(time.Duration(random.ExpFloat64() / m.Rate * float64(time.Second)))
		err := n.Call(t.Context(), "n2", eddy.Raw(`{"type":"do"}`), p, func(r eddy.Result) { ended <- r })
		if err != nil { // the breaker refused it
			ended <- eddy.Result{Err: err}
		}
	}
	for range calls {
		r := <-ended
		attempts += float64(r.Attempts) / float64(calls)
		if r.Err == nil {
			success += 1 / float64(calls)
		}
	}
	return success, attempts
}

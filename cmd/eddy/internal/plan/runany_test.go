package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

func drawModel(t *rapid.T) *Model {
	m := &Model{
		Calls: rapid.IntRange(1, 300).Draw(t, "calls"), Rate: rapid.Float64Range(1, 2000).Draw(t, "rate"),
		Loss: rapid.SampledFrom([]float64{0, 0, 0.1, 0.5, 1}).Draw(t, "loss"), Hops: rapid.IntRange(1, 3).Draw(t, "hops"),
		Latency: rapid.SampledFrom([]sim.Dist{{}, sim.Constant(500 * ms), sim.Exponential(300 * ms), sim.Lognormal(50*ms, 2)}).Draw(t, "latency"),
		Seed:    rapid.Uint64().Draw(t, "seed"),
	}
	if rapid.Bool().Draw(t, "busy") {
		m.Capacity = rapid.Float64Range(0.1, 1000).Draw(t, "capacity")
		m.Queue = rapid.IntRange(0, 20).Draw(t, "queue")
	}
	if rapid.Bool().Draw(t, "outage") {
		m.Outage = Window{time.Duration(rapid.IntRange(0, 500).Draw(t, "from")) * ms, time.Duration(rapid.IntRange(1, 3000).Draw(t, "for")) * ms}
	}
	return m
}

func drawPolicy(t *rapid.T) *retry.Policy {
	p := &retry.Policy{
		Attempts:  rapid.IntRange(0, 4).Draw(t, "attempts"),
		Timeout:   time.Duration(rapid.IntRange(1, 1000).Draw(t, "timeout")) * ms,
		Late:      rapid.SampledFrom([]retry.Late{retry.Accept, retry.Ignore}).Draw(t, "late"),
		RetryOn:   rapid.SliceOfN(rapid.SampledFrom([]int{0, 11}), 0, 2).Draw(t, "retry on"),
		Propagate: rapid.Bool().Draw(t, "propagate"),
	}
	if rapid.Bool().Draw(t, "last timeout") {
		p.LastTimeout = p.Timeout * 3
	}
	if rapid.Bool().Draw(t, "hedge") {
		p.Hedge = p.Timeout / 2
	}
	if rapid.Bool().Draw(t, "adaptive") {
		p.Adaptive = &retry.Adaptive{Min: 5 * ms, Max: 2 * time.Second}
	}
	if rapid.Bool().Draw(t, "deadline") {
		p.Deadline = time.Duration(rapid.IntRange(1, 2000).Draw(t, "deadline")) * ms
	}
	if rapid.Bool().Draw(t, "backoff") {
		p.Backoff = retry.Backoff{Kind: retry.Exponential, Base: 20 * ms, Cap: time.Second, Jitter: retry.FullJitter}
	}
	if rapid.Bool().Draw(t, "budget") {
		p.Budget = retry.Budget{Ratio: 0.2, PerSecond: 1}
	}
	return p
}

// In every run, each call ends once, within the longest duration and the attempts that
// its policy allows. Each delivered request is served, dropped or refused. Nothing stays
// open. To discard at once the replies that come too late changes no result.
func TestAnyRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, p := drawModel(t), drawPolicy(t)
		if err := p.Validate(); err != nil {
			t.Skip(err)
		}
		ended := make(map[int]bool)
		e := newRun(m, p, Watch{Ended: func(o Outcome) {
			if ended[o.Call] || o.Took > schedule.MaxDuration(p) || o.Attempts < 1 || o.Attempts > p.MaxAttempts() {
				t.Fatalf("%+v, and a call can take %v", o, schedule.MaxDuration(p))
			}
			ended[o.Call] = true
		}})
		e.loop()
		if len(ended) != m.Calls {
			t.Fatalf("%d of %d calls have ended", len(ended), m.Calls)
		}
		if s := &e.tally; s.offered != s.served+s.expired+s.queueFull || s.succeeded+s.failedButExecuted > m.Calls {
			t.Fatalf("the sums are wrong: %+v", s)
		}
		if open := e.calls.open() + e.requests.open() + e.origins.open(); open != 0 {
			t.Fatalf("%d calls, requests and origins are still open", open)
		}
		all := newRun(m, p, Watch{})
		all.longest = schedule.Never
		all.loop()
		if diff := cmp.Diff(all.tally.result(m), e.tally.result(m), figuresOnly); diff != "" {
			t.Fatalf("(-with all replies +without late ones)\n%s", diff)
		}
	})
}

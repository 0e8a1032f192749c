package plan

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

const ms = time.Millisecond

// near holds a mean of n calls to what it should be: within 1 %, or three times
// its standard error if that is more. spread is the standard deviation of what
// one call gives.
func near(t *testing.T, what string, got, want, spread float64, n int) {
	t.Helper()
	if off := math.Abs(got - want); off > 0.01*want && off > 3*spread/math.Sqrt(float64(n)) || math.IsNaN(got) {
		t.Errorf("%s: got %.6f, want %.6f", what, got, want)
	}
}

// share is near for a share of calls.
func share(t *testing.T, what string, got, want float64, n int) {
	t.Helper()
	near(t, what, got, want, math.Sqrt(want*(1-want)), n)
}

// all is the command's default number of calls, some are enough elsewhere.
const all, some = 1_000_000, 100_000

// With loss p each way an attempt succeeds with q = (1-p)^2; everything follows.
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

// Of exponential latency with mean 1 and a timeout of a half, three times: see the
// issue of late replies in docs/policies.md.
func TestExponentialLatency(t *testing.T) {
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

// Hops multiply to a dead leaf: d hops of n attempts are n to the power d; with
// propagate nobody retries on behalf of a retry.
func TestHopsToADeadLeaf(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4} {
		for d := 1; d <= 4; d++ {
			m := &Model{Calls: 1000, Hops: d, Outage: dead}
			r := Run(m, &retry.Policy{Attempts: n}, Watch{})
			if want := math.Pow(float64(n), float64(d)); r.Deliveries != want || r.Success != 0 {
				t.Errorf("n=%d d=%d: %v deliveries, want %v", n, d, r.Deliveries, want)
			}
			r = Run(m, &retry.Policy{Attempts: n, Propagate: true}, Watch{})
			// At most so many, and without any latency just as many.
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

// With a budget of a fraction b, d hops send at most (1+b)^d a call in the long
// run, and with so many failures just that.
func TestBudgetToADeadLeaf(t *testing.T) {
	for _, b := range []float64{0.1, 0.2, 0.5} {
		for d := 1; d <= 3; d++ {
			m := &Model{Calls: some, Hops: d, Outage: dead}
			r := Run(m, &retry.Policy{Attempts: 3, Budget: retry.Budget{Ratio: b}}, Watch{})
			want := math.Pow(1+b, float64(d))
			if r.Deliveries > 1.01*want || r.Deliveries < 0.95*want {
				t.Errorf("b=%v d=%d: %v deliveries, want at most %v", b, d, r.Deliveries, want)
			}
			// Each call ends with a refusal, unless it was granted both of its retries.
			callers := (want - 1) / b // of all hops
			if r.RetriesRefused > 1.01*callers || r.RetriesRefused < 0.97*(1-b/2)*callers {
				t.Errorf("b=%v d=%d: %v refused, of %v calls", b, d, r.RetriesRefused, callers)
			}
		}
	}
}

// On the same draws, to accept late replies never succeeds less, or later, or with
// more attempts.
func TestAcceptingLateIsNeverWorse(t *testing.T) {
	for _, latency := range []sim.Dist{sim.Exponential(400 * ms), sim.Uniform(0, 2*time.Second), sim.Constant(700 * ms), sim.Lognormal(300*ms, 1.5)} {
		for _, loss := range []float64{0, 0.2} {
			for _, p := range []retry.Policy{{}, {Attempts: 6, Timeout: 200 * ms}, {Final: 2 * time.Second},
				{Deadline: time.Second}, {Backoff: retry.Backoff{Kind: retry.Exponential, Jitter: retry.FullJitter, Seed: 1}}} {
				m := &Model{Calls: 20_000, Latency: latency, Loss: loss, Seed: 7}
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

// The same seed gives the same result, another one another.
func TestRepeatable(t *testing.T) {
	m := &Model{Calls: 20_000, Loss: 0.2, Latency: sim.Exponential(50 * ms), Hops: 2, Capacity: 1500, Queue: 100, Outage: Window{2 * time.Second, time.Second}}
	p := preset(t, "patient")
	first := Run(m, p, Watch{})
	if diff := cmp.Diff(first, Run(m, p, Watch{})); diff != "" {
		t.Error(diff)
	}
	m.Seed++
	if cmp.Equal(first, Run(m, p, Watch{})) {
		t.Error("the seed is of no account")
	}
}

// A run that is stopped tells of what has been.
func TestStop(t *testing.T) {
	m := &Model{Calls: all}
	r := Run(m, nil, Watch{Progress: func(done int) bool { return done > 0 }})
	if r.Calls == 0 || r.Calls == all {
		t.Errorf("%d calls", r.Calls)
	}
	if r := Run(&Model{}, nil, Watch{}); r.Calls != 0 || r.Recovered != nil || r.Load != nil {
		t.Errorf("no calls: %+v", r)
	}
}

// Calls end when their duration is over, or when there are enough of them.
func TestHowManyCalls(t *testing.T) {
	for _, tt := range []struct {
		m           Model
		least, most int
	}{
		{Model{Duration: 10 * time.Second}, 9_700, 10_300},
		{Model{Duration: 10 * time.Second, Rate: 10}, 70, 130},
		{Model{Duration: 10 * time.Second, Calls: 100}, 100, 100},
		{Model{Calls: 100, Loss: 1}, 100, 100},
	} {
		r := Run(&tt.m, nil, Watch{})
		if r.Calls < tt.least || r.Calls > tt.most || (r.Success == 1) != (tt.m.Loss == 0) || (r.Success == 0) != (tt.m.Loss == 1) {
			t.Errorf("%+v: %+v", tt.m, r)
		}
	}
}

// Under an outage everything of the walk happens: see docs/policies.md.
func TestOutage(t *testing.T) {
	t.Parallel()
	base := Model{Duration: 40 * time.Second, Rate: 1000, Hops: 3, Capacity: 1200, Outage: Window{10 * time.Second, 5 * time.Second}, Seed: 1}
	short := base
	short.Queue = 600
	propagated := &retry.Policy{Propagate: true, Budget: retry.Budget{Ratio: 0.2}}
	for _, tt := range []struct {
		name       string
		m          *Model
		p          *retry.Policy
		recovers   bool
		deliveries float64 // at least
	}{
		{"default", &base, nil, false, 15},
		{"budgeted", &base, &retry.Policy{Budget: retry.Budget{Ratio: 0.2}}, false, 1.2},
		{"propagated within a budget", &base, propagated, true, 1},
		{"short queue", &short, nil, true, 1},
	} {
		r := Run(tt.m, tt.p, Watch{})
		if (r.Recovered != nil) != tt.recovers || r.Deliveries < tt.deliveries {
			t.Errorf("%s: recovered %v, %v deliveries", tt.name, r.Recovered, r.Deliveries)
		}
	}
}

// A queue that is full answers with an error that a policy may retry.
func TestQueueFull(t *testing.T) {
	m := &Model{Calls: 20_000, Rate: 2000, Capacity: 1000, Queue: 10, Hops: 2}
	r := Run(m, nil, Watch{})
	again := Run(m, &retry.Policy{Codes: []int{11}}, Watch{})
	if r.QueueFull == 0 || r.Attempts != 1 || again.Attempts < 1.5 || again.Success < r.Success-0.05 {
		t.Errorf("%+v, and with retries %+v", r, again)
	}
	if r.FailedButExecuted != 0 {
		t.Errorf("%v failed with a definite error and were executed", r.FailedButExecuted)
	}
}

// A definite error settles a call, although another attempt is in the queue; also
// with propagate, which waits for that if the error is indefinite.
func TestDefiniteErrorSettles(t *testing.T) {
	m := &Model{Calls: 3, Rate: 1e6, Capacity: 1, Queue: 1}
	r := Run(m, &retry.Policy{Propagate: true}, Watch{})
	if r.Success != 0 || r.P999 < 499 || r.P999 > 501 || r.QueueFull != 1 || r.FailedButExecuted == 0 {
		t.Errorf("%+v", r)
	}
}

// A relay's answer is definite only if all that its attempts have met was.
func TestRelaysAnswer(t *testing.T) {
	var c call
	c.schedule.Begin(nil, retry.Start{})
	c.schedule.Written(0)
	for refusals, want := range []answer{indefinite, unavailable} {
		c.refusals = int32(refusals)
		if got := c.answer(false); got != want {
			t.Errorf("one attempt, %d refused: %v, want %v", refusals, got, want)
		}
	}
	c.schedule.Due(retry.DefaultTimeout)
	for refusals, want := range []answer{indefinite, indefinite, unavailable} {
		c.refusals = int32(refusals)
		if got := c.answer(false); got != want {
			t.Errorf("two attempts, %d refused: %v, want %v", refusals, got, want)
		}
	}
	if c.answer(true) != success {
		t.Error("a reply is no success")
	}
}

// What is useful is counted when its call begins, however long that takes.
func TestUsefulWhenBegun(t *testing.T) {
	r := Run(&Model{Duration: 5 * time.Second, Latency: sim.Constant(400 * ms)}, nil, Watch{})
	if len(r.Load) != 20 {
		t.Fatalf("%d slices", len(r.Load))
	}
	for _, l := range r.Load {
		if l.Useful != l.Begun || l.Begun == 0 {
			t.Errorf("%+v", l)
		}
	}
}

// What is retried behind a relay is not definite: its first attempt may have taken
// effect.
func TestIndefiniteBehindARelay(t *testing.T) {
	m := &Model{Calls: 20_000, Hops: 2, Loss: 0.3}
	if r := Run(m, &retry.Policy{Attempts: 2, Codes: []int{0}, Final: 5 * time.Second}, Watch{}); r.Success >= 1 || r.FailedButExecuted == 0 {
		t.Errorf("%+v", r)
	}
}

// A queue that grows without end does not fill the memory: what nobody waits for
// any more is forgotten.
func TestMemoryIsBounded(t *testing.T) {
	e := newRun(&Model{Calls: 50_000, Capacity: 100}, nil, Watch{})
	e.loop()
	if waited := 3 * 1000; e.tally.offered < 100_000 || len(e.requests.all) > 2*waited || cap(e.events.events) > 6*waited || len(e.leaf.starts) > 0 {
		t.Errorf("of %d requests %d are remembered, %d events, %d in the queue", e.tally.offered, len(e.requests.all), cap(e.events.events), len(e.leaf.starts))
	}
	if left := e.tally.result(e.model); left.FailedButExecuted < 0.9 {
		t.Errorf("what is served after all was forgotten: %+v", left)
	}
}

// What is left of the first caller's time travels with all that is sent for it: a
// relay's own deadline would begin anew.
func TestDeadlineTravels(t *testing.T) {
	m := &Model{Calls: 1, Rate: 1e6, Hops: 2, Outage: Window{0, 700 * ms}}
	p := retry.Policy{Deadline: 600 * ms, Propagate: true}
	if r := Run(m, &p, Watch{}); r.Deliveries != 3 || r.Expired != 3 || r.FailedButExecuted != 0 {
		t.Errorf("%+v", r)
	}
	p.Propagate = false
	if r := Run(m, &p, Watch{}); r.Deliveries != 3 || r.Executions != 3 || r.FailedButExecuted != 1 {
		t.Errorf("without propagate: %+v", r)
	}
}

package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

const ms = time.Millisecond

// figuresOnly compares results without what they were computed from.
var figuresOnly = cmpopts.IgnoreUnexported(Result{})

// The same seed gives the same result, and another seed another one.
func TestRepeatable(t *testing.T) {
	m := &Model{Calls: 20_000, Loss: 0.2, Latency: sim.Exponential(50 * ms), Hops: 2, Capacity: 1500, Queue: 100, Outage: Window{2 * time.Second, time.Second}}
	p := preset(t, "patient")
	first := Run(m, p, Watch{})
	if diff := cmp.Diff(first, Run(m, p, Watch{}), figuresOnly); diff != "" {
		t.Error(diff)
	}
	m.Seed++
	if cmp.Equal(first, Run(m, p, Watch{}), figuresOnly) {
		t.Error("another seed gives the same result")
	}
}

// A run that is stopped returns the result so far.
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

// Calls begin until the duration is over or there are enough of them.
func TestNumberOfCalls(t *testing.T) {
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

// What docs/policies.md says about an outage.
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
		{"propagate and a budget", &base, propagated, true, 1},
		{"short queue", &short, nil, true, 1},
	} {
		r := Run(tt.m, tt.p, Watch{})
		if (r.Recovered != nil) != tt.recovers || r.Deliveries < tt.deliveries {
			t.Errorf("%s: recovered %v, %v deliveries", tt.name, r.Recovered, r.Deliveries)
		}
	}
}

// A leaf with a full queue answers with an error that a policy may retry.
func TestQueueFull(t *testing.T) {
	m := &Model{Calls: 20_000, Rate: 2000, Capacity: 1000, Queue: 10, Hops: 2}
	r := Run(m, nil, Watch{})
	again := Run(m, &retry.Policy{RetryOn: []int{11}}, Watch{})
	if r.QueueFull == 0 || r.Attempts != 1 || again.Attempts < 1.5 || again.Success < r.Success-0.05 {
		t.Errorf("%+v, and with retries %+v", r, again)
	}
	if r.FailedButExecuted != 0 {
		t.Errorf("%v failed with a definite error and were executed", r.FailedButExecuted)
	}
}

// A definite error settles a call although another attempt is in the queue, also with
// propagate, which makes the call wait if the error is indefinite.
func TestDefiniteErrorSettles(t *testing.T) {
	m := &Model{Calls: 3, Rate: 1e6, Capacity: 1, Queue: 1}
	r := Run(m, &retry.Policy{Propagate: true}, Watch{})
	if r.Success != 0 || r.P999 < 499 || r.P999 > 501 || r.QueueFull != 1 || r.FailedButExecuted == 0 {
		t.Errorf("%+v", r)
	}
}

// The answer of a relay is definite only if every one of its attempts failed definitely.
func TestRelaysAnswer(t *testing.T) {
	var c call
	c.schedule.Begin(nil, schedule.Start{})
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
		t.Error("a reply is not a success")
	}
	if refused := (&call{unsent: true}); refused.answer(false) != unavailable {
		t.Error("a call that the breaker refused is not definite")
	}
}

// A call that succeeds counts as useful in the slice in which it began.
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

// A failure behind a relay that retries is indefinite: the first attempt of the relay
// may have had an effect.
func TestIndefiniteBehindARelay(t *testing.T) {
	m := &Model{Calls: 20_000, Hops: 2, Loss: 0.3}
	if r := Run(m, &retry.Policy{Attempts: 2, RetryOn: []int{0}, LastTimeout: 5 * time.Second}, Watch{}); r.Success >= 1 || r.FailedButExecuted == 0 {
		t.Errorf("%+v", r)
	}
}

// A run that would fill the memory stops and says so.
func TestTooMany(t *testing.T) {
	e := newRun(&Model{Calls: 100_000, Loss: 1}, nil, Watch{MostOpen: 1000}) // of 1,500
	if e.loop(); !e.tooMany || e.tally.calls == e.model.Calls {
		t.Errorf("%d calls, too many are %v", e.tally.calls, e.tooMany)
	}
	if r := Run(&Model{Calls: 100_000, Loss: 1}, nil, Watch{}); r.TooMany || r.Calls != 100_000 {
		t.Errorf("%+v", r)
	}
}

// A queue that grows without end does not fill the memory, because the run forgets
// requests whose callers wait no longer.
func TestMemoryIsBounded(t *testing.T) {
	e := newRun(&Model{Calls: 50_000, Capacity: 100}, nil, Watch{})
	events := 0
	e.watch.Progress = func(int) (stop bool) { events = max(events, e.events.Len()); return false }
	e.loop()
	if waited := 3 * 1000; e.tally.offered < 100_000 || len(e.requests.all) > 2*waited || events == 0 || events > 6*waited || len(e.leaf.starts) > 0 {
		t.Errorf("of %d requests, %d are stored, with %d events and %d in the queue", e.tally.offered, len(e.requests.all), events, len(e.leaf.starts))
	}
	if left := e.tally.result(e.model); left.FailedButExecuted < 0.9 {
		t.Errorf("requests that were served later do not count: %+v", left)
	}
}

// With propagate, the remaining time of the first caller travels with each request.
// Without it, the deadline of a relay begins anew.
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

package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

func TestParseWant(t *testing.T) {
	w, err := ParseWant("success=99.9%,p99=300ms,p99.9=1s,load=1.5,peak=100,recovered=0s")
	if err != nil {
		t.Fatal(err)
	}
	good := Figures{Calls: 1000, Success: 0.999, P99: 300, P999: 1000, Deliveries: 1.5, RetryPeak: 100, Recovered: new(float64)}
	if got := w.misses(&good, 0); got != 0 {
		t.Errorf("figures at the bounds miss them by %v", got)
	}
	for name, spoil := range map[string]func(*Figures){
		"success": func(f *Figures) { f.Success = 0.9989 }, "p99": func(f *Figures) { f.P99 = 301 }, "p99.9": func(f *Figures) { f.P999 = 1001 },
		"load": func(f *Figures) { f.Deliveries = 1.51 }, "peak": func(f *Figures) { f.RetryPeak = 101 }, "recovered": func(f *Figures) { f.Recovered = nil },
	} {
		bad := good
		if spoil(&bad); w.misses(&bad, 0) <= 0 {
			t.Errorf("%s is missed, and does not count", name)
		}
	}
	for _, text := range []string{"", "success", "success=0", "success=101%", "success=x", "p99=300", "p99=-1s", "p98=1s", "load=-1", "peak=", "success=1,"} {
		if _, err := ParseWant(text); err == nil {
			t.Errorf("%q has no error", text)
		}
	}
}

func TestParseBounds(t *testing.T) {
	b, err := ParseBounds("attempts=2-4,backoff=1ms-1ms")
	if want := (Bounds{[2]int{2, 4}, DefaultBounds.Timeout, [2]time.Duration{ms, ms}}); err != nil || b != want {
		t.Errorf("%+v, %v", b, err)
	}
	for _, text := range []string{"", "attempts=0-3", "attempts=3-2", "attempts=3", "attempts=1-1000", "timeout=1-2", "timeout=2s-1s", "hedge=1ms-2ms", "backoff=0s-1s"} {
		if _, err := ParseBounds(text); err == nil {
			t.Errorf("%q has no error", text)
		}
	}
}

// With loss p each way, n attempts succeed with 1-(1-q)ⁿ, q = (1-p)². So 99.9 % need four
// attempts at 10 %, whatever the timeout. What is found reaches the goals in every run, the
// least load first, and what comes later is faster.
func TestFind(t *testing.T) {
	s := Search{
		Model: &Model{Calls: 10_000, Loss: 0.1, Latency: sim.Constant(20 * ms)}, Base: &retry.Policy{CallID: true},
		Bounds: Bounds{[2]int{3, 4}, [2]time.Duration{20 * ms, 200 * ms}, [2]time.Duration{500 * ms, 500 * ms}},
	}
	s.Run = func(p *retry.Policy) *Sample { return sample(s.Model, p) }
	s.Want, _ = ParseWant("success=99.8%,p99=500ms")
	found, _ := s.Find()
	if len(found) == 0 {
		t.Fatal("nothing was found")
	}
	for _, p := range found {
		if p.Policy.Attempts < 4 || !p.Policy.CallID || p.Sample.Least.Success < 0.998 || p.Sample.Greatest.P99 > 500 {
			t.Errorf("%s: %+v", settings(p.Policy), p.Sample.Figures)
		}
	}
	if !slices.IsSortedFunc(found, func(a, b Planned) int { return int(b.Sample.P99 - a.Sample.P99) }) {
		t.Error("what costs more is not faster")
	}
	s.Want, _ = ParseWant("success=99.8%,p99=3s,peak=200")
	found, _ = s.Find()
	if len(found) == 0 || found[0].Policy.Backoff.Kind != retry.Exponential || found[0].Sample.RetryPeak > 200 {
		t.Errorf("%d found with a small peak", len(found))
	}
	s.Want, _ = ParseWant("success=99.9999%,p99=10ms")
	found, closest := s.Find()
	if len(found) != 0 || closest == nil {
		t.Errorf("%d found that cannot be, the closest is %v", len(found), closest)
	}
}

func TestSteps(t *testing.T) {
	got := steps([2]time.Duration{10 * ms, 1000 * ms}, 3)
	if !slices.Equal(got, []time.Duration{10 * ms, 100 * ms, 1000 * ms}) {
		t.Error(got)
	}
	if got := steps([2]time.Duration{ms, ms}, 5); !slices.Equal(got, []time.Duration{ms}) {
		t.Error(got)
	}
}

// 500 callers without jitter retry at the same time. With full jitter of a second, about a
// tenth of them do so within 100 ms. A breaker that opens at the first failure lets none
// retry.
func TestRetryPeak(t *testing.T) {
	for _, tt := range []struct {
		p           retry.Policy
		least, most int
	}{
		{retry.Policy{}, 500, 500},
		{retry.Policy{Attempts: 1}, 0, 0},
		{retry.Policy{Backoff: retry.Backoff{Kind: retry.Exponential, Base: time.Second}}, 500, 500},
		{retry.Policy{Attempts: 2, Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Second, Jitter: retry.FullJitter}}, 50, 90},
		{retry.Policy{Breaker: retry.Breaker{Failures: 1}}, 0, 0},
		{retry.Policy{Budget: retry.Budget{Ratio: 0.2, PerSecond: 0.001}}, 0, 0},
		{retry.Policy{Budget: retry.Budget{InFlight: 1}}, 500, 500}, // each caller has its own budget
		{retry.Policy{Attempts: 3, Timeout: 10 * ms}, 1000, 1000},
	} {
		if got := retryPeak(&Model{Seed: 1}, &tt.p); got < tt.least || got > tt.most {
			t.Errorf("%s: %d, want %d to %d", settings(&tt.p), got, tt.least, tt.most)
		}
	}
}

func TestSentences(t *testing.T) {
	outage := &Model{Duration: 20 * time.Second, Rate: 1000, Capacity: 1200, Outage: Window{5 * time.Second, 5 * time.Second}}
	for _, tt := range []struct {
		m    *Model
		p    *retry.Policy
		want string
	}{
		{&Model{Calls: 1000, Loss: 1}, nil, "p: 0 % of the calls succeed, for 0 requests at the leaf per call; one call in a hundred takes 1.5 s or longer."},
		{&Model{Calls: 1000}, nil, "p: 100 % of the calls succeed, for 1 requests at the leaf per call; one call in a hundred takes 0 ms or longer."},
		{outage, nil, "p never recovers: long after the outage 3,0"},
		{outage, &retry.Policy{Attempts: 1, Timeout: 10 * time.Second}, "p recovers at once; "},
	} {
		p := Planned{Name: "p", Policy: tt.p, Sample: sample(tt.m, tt.p)}
		if got := p.Sentence(tt.m); !strings.HasPrefix(got, tt.want) {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	sometimes := &Sample{Runs: 5}
	sometimes.Least.setRecovered(2500)
	p := Planned{Name: "p", Sample: sometimes}
	if got := p.Sentence(outage); got != "p does not always recover: in some of 5 runs at the earliest 2.5 s after the outage, in others never." {
		t.Error(got)
	}
	sometimes.Greatest.setRecovered(7000)
	sometimes.Success = 0.99996
	if got := p.Sentence(outage); got != "p recovers 2.5 s to 7 s after the outage; 99.996 % of all calls succeed." {
		t.Error(got)
	}
}

// The charts of the load over time have the same scale, and the one of times shows them by
// their logarithm if they differ.
func TestScales(t *testing.T) {
	m := &Model{Duration: 5 * time.Second, Loss: 0.3, Latency: sim.Exponential(20 * ms), Outage: Window{time.Second, time.Second}}
	plans := []Planned{{Name: "a", Sample: sample(m, nil)}, {Name: "b", Sample: sample(m, &retry.Policy{Attempts: 1})}}
	charts := (&Page{Model: m, Plans: plans}).Charts()
	if a, b := charts[0], charts[1]; a.Most != b.Most || a.Most < 1500 {
		t.Errorf("the scales reach to %v and %v", a.Most, b.Most)
	}
	took := charts[len(charts)-1]
	if took.Title != "Time to completion" || !took.Log {
		t.Errorf("%+v", took)
	}
	for _, c := range took.Curves {
		for i, p := range c.Points {
			if p.X <= 0 || i > 0 && p.X <= c.Points[i-1].X {
				t.Errorf("%s: point %d is at %v", c.Name, i, p.X)
			}
		}
	}
	m.Latency, m.Loss = sim.Dist{}, 0
	none := (&Page{Model: m, Plans: []Planned{{Sample: sample(&Model{Calls: 10}, nil)}}}).Charts()
	for _, c := range none {
		if c.Log {
			t.Errorf("%s: a logarithm of nothing", c.Title)
		}
	}
}

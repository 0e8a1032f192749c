package plan

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/retry"
)

// sample runs a policy five times.
func sample(m *Model, p *retry.Policy) *Sample {
	models := m.Seeds(5)
	var runs []*Result
	for _, m := range models {
		runs = append(runs, Run(m, p, Watch{}))
	}
	return Together(models[0], runs)
}

// The runs share the calls, and each has a seed of its own.
func TestSeeds(t *testing.T) {
	for _, tt := range []struct {
		calls, runs int
		want        []int
	}{
		{1000, 4, []int{250, 250, 250, 250}},
		{10, 4, []int{3, 3, 3, 3}}, // of the same length, so that there are two more
		{2, 4, []int{1, 1}},
		{0, 3, []int{0, 0, 0}}, // as many as begin within the duration
	} {
		var got []int
		for i, m := range (&Model{Calls: tt.calls, Duration: time.Second, Seed: 7}).Seeds(tt.runs) {
			got = append(got, m.Calls)
			if m.Seed != 7+uint64(i) || m.Duration != time.Second {
				t.Errorf("run %d: %+v", i, m)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d calls: (-want +got)\n%s", tt.calls, diff)
		}
	}
}

// A sample counts the calls of all runs, and has the least and the greatest value of each
// number.
func TestTogether(t *testing.T) {
	m := &Model{Calls: 5000, Loss: 0.2, Latency: sim.Exponential(200 * ms), Capacity: 1100, Outage: Window{200 * ms, 100 * ms}}
	s := sample(m, nil)
	var success, attempts float64
	least, greatest := math.Inf(1), math.Inf(-1)
	for _, part := range m.Seeds(5) {
		r := Run(part, nil, Watch{})
		success, attempts = success+r.Success/5, attempts+r.Attempts/5
		least, greatest = min(least, r.P99), max(greatest, r.P99)
	}
	if s.Runs != 5 || s.Calls != 5000 || s.Least.Calls != 1000 || s.Greatest.Calls != 1000 {
		t.Errorf("%d runs, %d calls, %d to %d in a run", s.Runs, s.Calls, s.Least.Calls, s.Greatest.Calls)
	}
	if math.Abs(s.Success-success) > 1e-9 || math.Abs(s.Attempts-attempts) > 1e-9 {
		t.Errorf("success %v, %v attempts; the mean is %v, %v", s.Success, s.Attempts, success, attempts)
	}
	if s.Least.P99 != least || s.Greatest.P99 != greatest || s.P99 < least || s.P99 > greatest {
		t.Errorf("p99 is %v to %v, of all %v; want %v to %v", s.Least.P99, s.Greatest.P99, s.P99, least, greatest)
	}
	if s.Least.Success >= s.Success || s.Greatest.Success <= s.Success {
		t.Errorf("success is %v to %v, of all %v", s.Least.Success, s.Greatest.Success, s.Success)
	}
	for i, l := range s.Load {
		if l.Begun < 700 || l.Begun > 1300 { // per second, in one run
			t.Errorf("slice %d: %+v", i, l)
		}
	}
}

// A run that never recovers comes after all others.
func TestRecoveredTogether(t *testing.T) {
	m := &Model{Duration: time.Second}
	r := Run(m, nil, Watch{})
	runs := make([]*Result, 3)
	for i, after := range []float64{math.Inf(1), 20, 10} {
		copied := *r
		copied.setRecovered(after)
		runs[i] = &copied
	}
	s := Together(m, runs)
	if *s.Least.Recovered != 10 || *s.Recovered != 20 || s.Greatest.Recovered != nil {
		t.Errorf("%v, %v, %v", s.Least.Recovered, s.Recovered, s.Greatest.Recovered)
	}
	if table := Table(&Model{Capacity: 1}, []Planned{{Sample: s}}); !strings.Contains(table, "recovered after the outage (ms)                10 to never\n") {
		t.Error(table)
	}
	if table := Table(&Model{Capacity: 1}, []Planned{{Sample: Together(m, runs[:1])}}); !strings.Contains(table, "recovered after the outage (ms)                never\n") {
		t.Error(table)
	}
}

// An interval has as many digits as it supports.
func TestInterval(t *testing.T) {
	for _, tt := range []struct {
		in              unit
		least, greatest float64
		want            string
	}{
		{inShares, 0.13812, 0.35521, "14 to 36"},
		{inShares, 0.99961, 0.99982, "99.961 to 99.982"},
		{inShares, 0.999960, 0.999964, "99.996"}, // a call more or less
		{inShares, 1, 1, "100"},
		{inShares, 0, 0.00003, "0.000 to 0.003"},
		{inNumbers, 1.22512, 1.22803, "1.2251 to 1.2280"},
		{inNumbers, 27, 27, "27"},
		{inNumbers, 18.25, 18.36, "18.25 to 18.36"},
		{inMillis, 599.9, 600.1, "599.9 to 600.1"},
		{inMillis, 47.98, 47.99, "47.98 to 47.99"},
		{inMillis, 4250, 11800, "4000 to 12000"},
		{inMillis, 0, 0, "0"},
	} {
		r := row{"", func(f *Figures) float64 { return f.Success }, tt.in}
		s := &Sample{Least: Figures{Calls: 100_000, Success: tt.least}, Greatest: Figures{Calls: 100_000, Success: tt.greatest}}
		if got := r.interval(s); got != tt.want {
			t.Errorf("%v to %v: %s, want %s", tt.least, tt.greatest, got, tt.want)
		}
	}
}

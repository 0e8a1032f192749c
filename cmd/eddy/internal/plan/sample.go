package plan

import (
	"math"
	"slices"
)

// A Sample is what a policy did in several runs of a model, each with another seed. One
// run is one of many outcomes: where a queue may or may not get shorter again, another
// seed can give twice the success.
type Sample struct {
	Result                  // of all runs together; Load is their mean, and Recovered their median
	Runs            int     // how many there were
	Least, Greatest Figures // the least and the greatest value of each number among the runs
}

// Seeds returns the models of n runs that together make as many calls as m. Their seeds
// are the seed of m and those that follow it. With fewer calls than n there are fewer
// runs.
func (m *Model) Seeds(n int) []*Model {
	if m.Calls > 0 {
		n = min(n, m.Calls)
	}
	models := make([]*Model, n)
	for i := range models {
		part := *m
		part.Calls = (m.Calls + n - 1) / n
		part.Seed += uint64(i)
		models[i] = &part
	}
	return models
}

// Together returns what a policy did in the runs of all models that Seeds has returned. m is
// one of them.
func Together(m *Model, runs []*Result) *Sample {
	all := tally{loads: newLoads(m)}
	all.loads.runs = 0
	least, greatest := runs[0].Figures, runs[0].Figures
	recovered := make([]float64, len(runs))
	for i, r := range runs {
		all.add(r.tally)
		for _, figure := range figures {
			value := *figure(&r.Figures)
			*figure(&least) = min(*figure(&least), value)
			*figure(&greatest) = max(*figure(&greatest), value)
		}
		least.Calls, greatest.Calls = min(least.Calls, r.Calls), max(greatest.Calls, r.Calls)
		recovered[i] = r.recovered()
	}
	s := &Sample{Result: *all.result(m), Runs: len(runs), Least: least, Greatest: greatest}
	slices.Sort(recovered)
	s.setRecovered(recovered[len(runs)/2])
	s.Least.setRecovered(recovered[0])
	s.Greatest.setRecovered(recovered[len(runs)-1])
	return s
}

// DuringOutage returns how many requests reached the leaf during the outage, in all runs.
func (s *Sample) DuringOutage() int { return s.tally.duringOutage }

// figures are the numbers of which a sample has the least and the greatest, except
// Recovered, which may be missing.
var figures = []func(*Figures) *float64{
	func(f *Figures) *float64 { return &f.Success },
	func(f *Figures) *float64 { return &f.Attempts },
	func(f *Figures) *float64 { return &f.Deliveries },
	func(f *Figures) *float64 { return &f.Executions },
	func(f *Figures) *float64 { return &f.Amplification },
	func(f *Figures) *float64 { return &f.FailedButExecuted },
	func(f *Figures) *float64 { return &f.RetriesRefused },
	func(f *Figures) *float64 { return &f.BreakerRefused },
	func(f *Figures) *float64 { return &f.Expired },
	func(f *Figures) *float64 { return &f.QueueFull },
	func(f *Figures) *float64 { return &f.RetryPeak },
	func(f *Figures) *float64 { return &f.P50 },
	func(f *Figures) *float64 { return &f.P90 },
	func(f *Figures) *float64 { return &f.P99 },
	func(f *Figures) *float64 { return &f.P999 },
}

// recovered returns Recovered, +Inf for never.
func (f *Figures) recovered() float64 {
	if f.Recovered == nil {
		return math.Inf(1)
	}
	return *f.Recovered
}

func (f *Figures) setRecovered(ms float64) {
	f.Recovered = &ms
	if math.IsInf(ms, 1) {
		f.Recovered = nil
	}
}

// add adds the counts of a run.
func (t *tally) add(run *tally) {
	t.calls += run.calls
	t.succeeded += run.succeeded
	t.attempts += run.attempts
	t.offered += run.offered
	t.served += run.served
	t.expired += run.expired
	t.queueFull += run.queueFull
	t.failedButExecuted += run.failedButExecuted
	t.refused += run.refused
	t.breakerRefused += run.breakerRefused
	t.retryPeak = max(t.retryPeak, run.retryPeak)
	t.duringOutage += run.duringOutage
	t.tooMany = t.tooMany || run.tooMany
	t.times.addAll(&run.times)
	t.loads.add(&run.loads)
}

package plan

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// A herd are callers that have made a call at the same time and get no reply.
const (
	herd        = 500
	herdWindow  = 100 * time.Millisecond
	herdRetries = 100 // of one caller are counted at most
)

// retryPeak returns how many retries of a herd arrive within 100 ms at most. Each caller is
// a node of its own, so it has its own budget, breaker and estimate.
func retryPeak(m *Model, p *retry.Policy) int {
	var arrivals []time.Duration
	seed := key(m.Seed).derive(1) // the calls of a run have 0
	for i := range uint64(herd) {
		arrivals = append(arrivals, retriesOf(m, p, seed.derive(i))...)
	}
	slices.Sort(arrivals)
	peak, from := 0, 0
	for to, at := range arrivals {
		for at-arrivals[from] >= herdWindow {
			from++
		}
		peak = max(peak, to-from+1)
	}
	return peak
}

// retriesOf returns when the retries of a caller arrive.
func retriesOf(m *Model, p *retry.Policy, k key) (arrivals []time.Duration) {
	var s schedule.Schedule
	now := time.Duration(0)
	d := s.Begin(p, schedule.Start{CallNumber: uint64(k), Incarnation: uint64(k.derive(0)), Dest: &schedule.Destination{}, Node: &schedule.Window{}})
	for d.Action != schedule.GiveUp && len(arrivals) < herdRetries {
		if d.Action == schedule.Send {
			if s.Sent() > 1 {
				arrivals = append(arrivals, now+m.Latency.At(k.derive(uint64(s.Sent())).float())/2)
			}
			d = s.Written(now)
			continue
		}
		now = d.Until
		d = s.Due(now)
	}
	return arrivals
}

package checker

import (
	"fmt"
	"slices"
	"time"
)

// Quantiles of times, in milliseconds, as reports have them.
type Quantiles struct {
	P0   float64 `json:"0"`
	P50  float64 `json:"0.5"`
	P95  float64 `json:"0.95"`
	P99  float64 `json:"0.99"`
	P100 float64 `json:"1"`
}

// QuantilesOf sorts times and reads their quantiles off: the least time that at
// least such a share of them does not exceed. Of no times all are 0.
func QuantilesOf(times []time.Duration) Quantiles {
	slices.Sort(times)
	at := func(percent int) float64 {
		if len(times) == 0 {
			return 0
		}
		rank := (len(times)*percent + 99) / 100 // rounded up
		return float64(times[max(rank-1, 0)]) / float64(time.Millisecond)
	}
	return Quantiles{at(0), at(50), at(95), at(99), at(100)}
}

func (q Quantiles) String() string {
	return fmt.Sprintf("p50 %.1f, p95 %.1f, p99 %.1f, max %.1f ms", q.P50, q.P95, q.P99, q.P100)
}

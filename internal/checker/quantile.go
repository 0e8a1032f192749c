package checker

import (
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/quantile"
)

// Quantiles of times, in milliseconds, as reports have them.
type Quantiles struct {
	P0   float64 `json:"0"`
	P50  float64 `json:"0.5"`
	P95  float64 `json:"0.95"`
	P99  float64 `json:"0.99"`
	P100 float64 `json:"1"`
}

// QuantilesOf sorts times and returns their quantiles. Without times all are 0.
func QuantilesOf(times []time.Duration) Quantiles {
	slices.Sort(times)
	at := func(q float64) float64 { return float64(quantile.Of(times, q)) / float64(time.Millisecond) }
	return Quantiles{at(0), at(0.5), at(0.95), at(0.99), at(1)}
}

func (q Quantiles) String() string {
	return fmt.Sprintf("p50 %.1f, p95 %.1f, p99 %.1f, max %.1f ms", q.P50, q.P95, q.P99, q.P100)
}

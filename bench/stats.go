package main

import (
	"math"
	"slices"

	"github.com/eddyrpc/eddy/internal/quantile"
)

// median returns the middle value of v, the mean of the middle two if their number is
// even, NaN if v is empty.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	mid := len(v) / 2
	if len(v)%2 == 1 {
		return v[mid]
	}
	return (v[mid-1] + v[mid]) / 2
}

// percentile is the quantile q of v, which is sorted. NaN when v is empty.
func percentile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return quantile.Of(v, q)
}

// A Ratio compares two peers: the value of one divided by the value of the other in the
// same round.
type Ratio struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// ratio compares the rounds of a and b. If one ran fewer rounds, its last round counts for
// those that are missing. All fields are NaN if one has no rounds, or if the two cannot be
// compared.
func ratio(a, b *Outcome, m Metric) Ratio {
	var r []float64
	if a != nil && b != nil && len(a.Samples) > 0 && len(b.Samples) > 0 && (a.Size == b.Size || !m.Whole) {
		for i := range max(len(a.Samples), len(b.Samples)) {
			x, okX := a.Samples[min(i, len(a.Samples)-1)][m.Name]
			y, okY := b.Samples[min(i, len(b.Samples)-1)][m.Name]
			if okX && okY && !math.IsNaN(x) && !math.IsNaN(y) && y != 0 {
				r = append(r, x/y)
			}
		}
	}
	if len(r) == 0 {
		return Ratio{math.NaN(), math.NaN(), math.NaN()}
	}
	return Ratio{median(r), slices.Min(r), slices.Max(r)}
}

package plan

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/eddyrpc/eddy/internal/quantile"
)

// digits is the number of significant digits of the times that a run reports.
const digits = 4

// times is the distribution of how long calls took.
type times struct {
	histogram *hdrhistogram.Histogram // of microseconds; nil if nothing was added
}

func (t *times) add(d time.Duration) {
	if t.histogram == nil {
		t.histogram = hdrhistogram.New(1, maxCallDuration.Microseconds(), digits)
	}
	t.histogram.RecordValue(min(d, maxCallDuration).Microseconds())
}

// addAll adds the times of another run.
func (t *times) addAll(run *times) {
	if run.histogram == nil {
		return
	}
	if t.histogram == nil {
		t.histogram = hdrhistogram.New(1, maxCallDuration.Microseconds(), digits)
	}
	t.histogram.Merge(run.histogram)
}

// quantiles returns quantiles in milliseconds.
func (t *times) quantiles(qs ...float64) []float64 {
	values := make([]float64, len(qs))
	if t.histogram == nil {
		return values
	}
	count := int(t.histogram.TotalCount())
	percentiles := make([]float64, len(qs))
	for i, q := range qs { // the library would round the rank
		percentiles[i] = float64(quantile.Rank(count, q)) / float64(count) * 100
	}
	for i, micros := range t.histogram.ValueAtPercentilesSlice(percentiles) {
		values[i] = round(float64(micros) / 1000)
	}
	return values
}

// round rounds v to the digits that it surely has.
func round(v float64) float64 {
	if v == 0 {
		return 0
	}
	unit := math.Pow10(digits - 1 - int(math.Floor(math.Log10(v))))
	return math.Round(v*unit) / unit
}

// shares returns the distribution as at most n steps: times, and the share of calls
// that took no longer.
func (t *times) shares(n int) []Point {
	qs := make([]float64, n)
	for i := range qs {
		qs[i] = min(float64(i)/float64(n-1), 0.9995)
	}
	points := []Point{{0, 0}}
	for i, ms := range t.quantiles(qs...) {
		if last := &points[len(points)-1]; ms == last.X {
			last.Y = float64(i) / float64(n-1)
		} else {
			points = append(points, Point{ms, float64(i) / float64(n-1)})
		}
	}
	return points
}

// A Point is a point of a curve.
type Point struct{ X, Y float64 }

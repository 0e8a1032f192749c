package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/retry"
)

// The expected values are computed by hand with the formulas of RFC 6298.
func TestEstimator(t *testing.T) {
	var e Estimator
	bounds := retry.Adaptive{Max: 10 * time.Second}
	want := func(what string, timeout time.Duration) {
		t.Helper()
		if got := e.Timeout(bounds, 500*ms); got != timeout {
			t.Errorf("%s: timeout %v, want %v", what, got, timeout)
		}
	}
	want("nothing known", 500*ms)
	e.TimedOut(0, 500*ms)
	want("after a timeout", 1000*ms)
	e.Sample(100 * ms)
	want("first sample", (100+4*50)*ms) // 2.2
	e.Sample(180 * ms)
	// rttvar = 3/4*50 + 1/4*80 = 57.5, srtt = 7/8*100 + 1/8*180 = 110
	want("second sample", (110+4*57.5)*ms) // 2.3
	if srtt, n := e.RoundTrip(); srtt != 110*ms || n != 2 {
		t.Errorf("round trip %v of %d", srtt, n)
	}
	e.TimedOut(1000*ms, 1340*ms)
	want("after a timeout", 680*ms) // 5.5
	e.TimedOut(1010*ms, 1350*ms)
	e.TimedOut(1339*ms, 1679*ms)
	want("timeouts in the same period", 680*ms)
	e.TimedOut(1340*ms, 2020*ms)
	want("in the next period", 1360*ms)
	for range 100 {
		e.TimedOut(e.doubled, e.doubled+time.Second)
	}
	want("at the upper bound", 10*time.Second)
	e.Sample(110 * ms)
	// rttvar = 3/4*57.5 = 43.125
	want("after a sample", 110*ms+4*43125*time.Microsecond)
}

func TestEstimatorBounds(t *testing.T) {
	steady := Estimator{}
	for range 200 {
		steady.Sample(50 * ms)
	}
	for _, tt := range []struct {
		bounds retry.Adaptive
		want   time.Duration
	}{
		{retry.Adaptive{}, 51 * ms}, // Granularity above a steady round trip
		{retry.Adaptive{Min: 70 * ms}, 70 * ms},
		{retry.Adaptive{Max: 40 * ms}, 40 * ms},
		{retry.Adaptive{Max: 5 * ms}, 5 * ms},
		{retry.Adaptive{Min: 2 * time.Minute}, 2 * time.Minute},
	} {
		if got := steady.Timeout(tt.bounds, 0); got.Round(ms) != tt.want {
			t.Errorf("%+v: %v, want %v", tt.bounds, got, tt.want)
		}
	}
	var quick Estimator
	quick.Sample(0)
	if got := quick.Timeout(retry.Adaptive{}, 0); got != retry.DefaultMin {
		t.Errorf("%v", got)
	}
}

// Whatever is sampled, the timeout is within its bounds, the smoothed round trip is
// within the samples, and both agree with the RFC's formulas in floating point.
func TestEstimatorProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e Estimator
		bounds := retry.Adaptive{Min: 10 * ms, Max: time.Minute}
		var srtt, rttvar float64
		low, high := time.Hour, time.Duration(0)
		for i, r := range rapid.SliceOfN(rapid.Int64Range(-1000, int64(2*time.Hour)), 1, 100).Draw(t, "samples") {
			e.Sample(time.Duration(r))
			x := min(max(time.Duration(r), 0), time.Hour)
			low, high = min(low, x), max(high, x)
			if i == 0 {
				srtt, rttvar = float64(x), float64(x)/2
			} else {
				d := srtt - float64(x)
				rttvar = 0.75*rttvar + 0.25*max(d, -d)
				srtt = 0.875*srtt + 0.125*float64(x)
			}
			if got, _ := e.RoundTrip(); got < low-10 || got > high+10 {
				t.Fatalf("%v is not from %v to %v", got, low, high)
			}
			want := min(max(time.Duration(srtt+max(4*rttvar, float64(Granularity))), bounds.Min), bounds.Max)
			if got := e.Timeout(bounds, 0); (got - want).Abs() > time.Microsecond {
				t.Fatalf("%v, want %v", got, want)
			}
		}
	})
}

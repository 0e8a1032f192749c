package plan

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/quantile"
)

func TestQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, int64(100*time.Hour)), 1, 300).Draw(t, "times")
		var h times
		for _, d := range all {
			h.add(time.Duration(d))
		}
		slices.Sort(all)
		q := float64(rapid.IntRange(0, 1000).Draw(t, "q")) / 1000
		want := float64(quantile.Of(all, q)) / 1e6
		if got := h.quantiles(q)[0]; math.Abs(got-want) > want/1000+0.001 {
			t.Fatalf("quantile %v is %v ms, want %v ms", q, got, want)
		}
	})
}

func TestQuantilesOfNothing(t *testing.T) {
	var h times
	if got := h.quantiles(0.5)[0]; got != 0 {
		t.Errorf("%v ms, want 0", got)
	}
}

// The time of calls that all take the same is exact.
func TestQuantilesOfTheSame(t *testing.T) {
	var h times
	h.add(600 * ms)
	h.add(600 * ms)
	if got := h.quantiles(0.5)[0]; got != 600 {
		t.Errorf("%v ms, want 600", got)
	}
}

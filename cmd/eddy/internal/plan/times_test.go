package plan

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSlotsGrow(t *testing.T) {
	before := -1
	for d := uint64(0); d < 1<<14; d++ {
		at := slotOf(d)
		if at != before && at != before+1 {
			t.Fatalf("%d is in slot %d, the one before in %d", d, at, before)
		}
		before = at
	}
}

// A quantile is right to 1/512, whatever the times are.
func TestQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 300).Draw(t, "times")
		var h times
		for _, d := range all {
			h.add(time.Duration(d))
		}
		slices.Sort(all)
		q := rapid.Float64Range(0, 0.9999).Draw(t, "q")
		want := float64(all[int(q*float64(len(all)))])
		if got := float64(h.quantile(q)); math.Abs(got-want) > want/512+1 {
			t.Fatalf("%v of them: %v, want %v", q, got, want)
		}
	})
}

func TestQuantileOfNothing(t *testing.T) {
	var h times
	if h.quantile(0.5) != 0 {
		t.Error("something")
	}
	h.add(600 * ms)
	h.add(600 * ms)
	if got := h.quantile(0.5); got != 600*ms {
		t.Errorf("%v, where all are 600 ms", got)
	}
}

package plan

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Events come out by their time, those of the same time in the order in which they
// went in.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h heap
		var model []event
		for i := range rapid.IntRange(0, 300).Draw(t, "steps") {
			if len(model) > 0 && rapid.IntRange(0, 2).Draw(t, "pop") == 0 {
				if got := h.pop(); got.index != model[0].index {
					t.Fatalf("got %+v, want %+v", got, model[0])
				}
				model = model[1:]
				continue
			}
			e := event{at: time.Duration(rapid.IntRange(0, 20).Draw(t, "at")), index: int32(i)}
			h.push(e)
			model = append(model, e)
			slices.SortStableFunc(model, func(a, b event) int { return int(a.at - b.at) })
		}
	})
}

package eventqueue

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQueue(t *testing.T) {
	type event struct {
		at    time.Duration
		order uint64
	}
	rapid.Check(t, func(t *rapid.T) {
		var q Queue[event]
		var model []event
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			at, ok := q.Next()
			if ok != (len(model) > 0) || q.Len() != len(model) || ok && at != model[0].at {
				t.Fatalf("the next is at %v, %v; want the first of %v", at, ok, model)
			}
			if ok && rapid.IntRange(0, 2).Draw(t, "pop") == 0 {
				if at, got := q.Pop(); got != model[0] || at != got.at {
					t.Fatalf("got %+v at %v, want %+v", got, at, model[0])
				}
				model = model[1:]
				continue
			}
			e := event{time.Duration(rapid.IntRange(0, 20).Draw(t, "at")), rapid.Uint64Range(0, 1<<40).Draw(t, "order")}
			if slices.Contains(model, e) {
				continue
			}
			q.Push(e.at, e.order, e)
			model = append(model, e)
			slices.SortFunc(model, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order)) })
		}
	})
}

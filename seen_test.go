package eddy_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
)

// A Seen knows exactly the latest Max of the keys that were new.
func TestSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := eddy.Seen[int]{Max: rapid.IntRange(1, 5).Draw(t, "max")}
		var model []int
		for _, key := range rapid.SliceOfN(rapid.IntRange(0, 8), 0, 60).Draw(t, "keys") {
			isNew := true
			for _, known := range model {
				isNew = isNew && known != key
			}
			if isNew {
				model = append(model, key)
				model = model[max(0, len(model)-seen.Max):]
			}
			if got := seen.Add(key); got != isNew || seen.Len() != len(model) {
				t.Fatalf("Add(%d) is %v with %d keys, want %v with %v", key, got, seen.Len(), isNew, model)
			}
		}
	})
}

func TestSeenByDefault(t *testing.T) {
	var seen eddy.Seen[int]
	for i := range 100_001 {
		if !seen.Add(i) {
			t.Fatalf("%d is not new", i)
		}
	}
	if seen.Len() != 100_000 || seen.Add(1) || !seen.Add(0) {
		t.Errorf("it has %d keys", seen.Len())
	}
}

func TestSeenConcurrently(t *testing.T) {
	var seen eddy.Seen[int]
	var news atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 1000 {
				if seen.Add(i) {
					news.Add(1)
				}
			}
		})
	}
	all.Wait()
	if news.Load() != 1000 {
		t.Errorf("%d were new", news.Load())
	}
}

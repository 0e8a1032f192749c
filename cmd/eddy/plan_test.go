package main

import (
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/plan"
)

// Runs at the same time share the memory. A run that needs more than its part is run again
// alone, and gives the same result.
func TestRunsShareTheMemory(t *testing.T) {
	models := (&plan.Model{Calls: 800_000, Loss: 1}).Seeds(8)
	for mostOpen, tooMany := range map[int]bool{20_000: false, 2000: false, 1000: true} { // each has 1,500 open
		last := 0
		results := runAll(models, nil, mostOpen, func(done int) bool { last = done; return false })
		for i, r := range results {
			if r.TooMany != tooMany || !tooMany && r.Calls != 100_000 {
				t.Errorf("%d at most, run %d: too many are %v, %d calls", mostOpen, i, r.TooMany, r.Calls)
			}
		}
		if last > 800_000 || !tooMany && last < 400_000 {
			t.Errorf("%d at most: the progress is %d of 800,000", mostOpen, last)
		}
	}
}

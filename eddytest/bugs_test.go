package eddytest_test

import (
	"slices"
	"testing"

	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/eddytest/testdata/buggy"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// Check finds each bug within 500 seeds, by the right check. The smallest case of each has at
// most a third of the requests, and no fault, loss or duplication without which the same check
// fails. With -v it says with which seed, and what is left.
func TestBugsAreFound(t *testing.T) {
	slowWithRaces(t)
	for _, bug := range buggy.All {
		t.Run(bug.Name, func(t *testing.T) {
			t.Parallel()
			failed := eddytest.FirstFailure(t, bug.Buggy, bug.Test, 500)
			if failed == nil {
				t.Fatalf("500 seeds pass, although the node %s", bug.What)
			}
			if !slices.Contains(bug.Checks, failed.Check) {
				t.Fatalf("the node %s, but this was found:\n%s", bug.What, failed.Describe())
			}
			small := failed.Shrink()
			t.Logf("seed %d, %s: %v; of %v", failed.Seed, failed.Check, small.Size, small.Of)
			if !small.Minimal || 3*small.Size.Asks > small.Of.Asks {
				t.Errorf("minimal: %v; %d requests are left of %d:\n%s", small.Minimal, small.Size.Asks, small.Of.Asks, small.Story)
			}
			if bug.Faults > 0 && small.Size.Faults != bug.Faults {
				t.Errorf("%d faults are left, want %d:\n%s", small.Size.Faults, bug.Faults, small.Story)
			}
			for _, needless := range small.Needless {
				t.Errorf("not needed: %s", needless)
			}
		})
	}
}

// The same nodes without the bugs pass, with the same faults. -eddy.seeds says with how many
// seeds.
func TestHealthyNodesPass(t *testing.T) {
	slowWithRaces(t)
	for _, bug := range buggy.All {
		t.Run(bug.Name, func(t *testing.T) {
			t.Parallel()
			if failed := eddytest.FirstFailure(t, bug.Healthy, bug.Test, eddytest.Seeds(longtest.Or(100, 20))); failed != nil {
				t.Error(failed.Describe())
			}
		})
	}
}

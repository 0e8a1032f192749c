package eddytest_test

import (
	"slices"
	"testing"

	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/eddytest/testdata/buggy"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// Check finds each bug within 500 seeds, by the right check. With -v it says with which seed.
func TestBugsAreFound(t *testing.T) {
	slowWithRaces(t)
	for _, bug := range buggy.All {
		t.Run(bug.Name, func(t *testing.T) {
			failed := eddytest.FirstFailure(t, bug.Buggy, bug.Test, 500)
			switch {
			case failed == nil:
				t.Errorf("500 seeds pass, although the node %s", bug.What)
			case !slices.Contains(bug.Checks, failed.Check):
				t.Errorf("the node %s, but this was found:\n%s", bug.What, failed.Describe())
			default:
				t.Logf("seed %d, %s", failed.Seed, failed.Check)
			}
		})
	}
}

// The smallest case of each bug has at most a third of the requests, and no fault, loss or
// duplication without which the same check fails. With -v it says what is left.
func TestBugsShrink(t *testing.T) {
	slowWithRaces(t)
	for _, bug := range buggy.All {
		t.Run(bug.Name, func(t *testing.T) {
			t.Parallel()
			failed := eddytest.FirstFailure(t, bug.Buggy, bug.Test, 500)
			if failed == nil {
				t.Fatal("500 seeds pass")
			}
			small := failed.Shrink()
			t.Logf("seed %d: %v; of %v", failed.Seed, small.Size, small.Of)
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
			if failed := eddytest.FirstFailure(t, bug.Healthy, bug.Test, eddytest.Seeds(longtest.Or(200, 20))); failed != nil {
				t.Error(failed.Describe())
			}
		})
	}
}

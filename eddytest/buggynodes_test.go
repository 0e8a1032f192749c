package eddytest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/golden"
	"github.com/eddyrpc/eddy/internal/trial"
)

// verdictsPath is the file with the expected verdict on each buggy node, and the
// checks of the reasons.
const verdictsPath = "../cmd/eddy/testdata/testnode/verdicts.txt"

// Each buggy node that needs no process of its own gets the verdict that it should.
func TestBuggyNodes(t *testing.T) {
	slowWithRaces(t)
	t.Parallel()
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(testnode.Buggy)) {
		if testnode.NeedProcesses[name] != "" {
			continue // TestBuggyNodes of cmd/eddy has it
		}
		test := eddytest.Test{
			Workload: "echo", Nodes: 1, Concurrency: 2, Rate: 20, Time: time.Second, ClientTimeout: 2 * time.Second,
		}
		got := judge(t, testnode.Buggy[name], test, trial.SickWarn)
		if got.Verdict == "pass" {
			t.Errorf("%s passes", name)
		}
		fmt.Fprintf(&lines, "%s: %s by %s\n", name, got.Verdict, sorted(got.Checks))
	}
	golden.File(t, verdictsPath, lines.String())
}

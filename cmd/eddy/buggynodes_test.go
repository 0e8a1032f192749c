package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/internal/golden"
)

func init() {
	for name, run := range testnode.Buggy {
		testNodes["buggy-"+name] = program.Main(run)
	}
}

// verdictsPath is the file with the expected verdict on each buggy node, and the
// checks of the reasons.
const verdictsPath = "testdata/testnode/verdicts.txt"

func TestBuggyNodes(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	names := slices.Sorted(maps.Keys(testnode.Buggy))
	// The slowest nodes begin first.
	slices.SortStableFunc(names, func(a, b string) int { return slowness(b) - slowness(a) })
	lines := make([]string, len(names))
	sideBySide(t, len(names), func(t *testing.T, i int) {
		timeout := "2s"
		if names[i] == "long-line" { // takes long to read on a busy machine
			timeout = "30s"
		}
		r := briefTest(t, "-w", "echo", "--bin", "buggy-"+names[i], "--nodes", "n1", "--concurrency", "2", "--rate", "20",
			"--time-limit", "1", "--client-timeout", timeout, "--call-timeout", "50ms", "--call-attempts", "1")
		lines[i] = fmt.Sprintf("%s: %s by %s\n", names[i], r.Verdict, r.checks())
		if r.Verdict == "pass" {
			t.Errorf("buggy-%s passes", names[i])
		}
		t.Logf("buggy-%s: %s\n%s", names[i], r.Verdict, r.text())
	})
	slices.Sort(lines)
	golden.File(t, verdictsPath, strings.Join(lines, ""))
}

func slowness(name string) int {
	switch name {
	case "never-initialised", "never-replies", "stops-replying", "stops-reading", "skips-one", "writes-after-the-end", "late-and-wrong":
		return 1
	}
	return 0
}

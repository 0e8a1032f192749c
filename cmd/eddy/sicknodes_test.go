package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/sick"
	"github.com/eddyrpc/eddy/internal/golden"
)

func init() {
	for name, run := range sick.Nodes {
		testNodes["sick-"+name] = run
	}
}

// sickPath says of each sick node what eddy test must make of it: the verdict,
// and the checks that gave reasons for it.
const sickPath = "testdata/sick/verdicts.txt"

func TestSickNodes(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(sick.Nodes))
	// What takes the longest begins first.
	slices.SortStableFunc(names, func(a, b string) int { return slowness(b) - slowness(a) })
	lines := make([]string, len(names))
	sideBySide(t, len(names), func(t *testing.T, i int) {
		r := eddyTest(t, "-w", "echo", "--bin", "sick-"+names[i], "--nodes", "n1", "--concurrency", "2", "--rate", "20",
			"--time-limit", "1", "--client-timeout", "2s", "--call-timeout", "50ms", "--call-attempts", "1")
		lines[i] = fmt.Sprintf("%s: %s by %s\n", names[i], r.Verdict, r.checks())
		if r.Verdict == "pass" {
			t.Errorf("sick-%s passes", names[i])
		}
		t.Logf("sick-%s: %s\n%s", names[i], r.Verdict, r.text())
	})
	slices.Sort(lines)
	golden.File(t, sickPath, strings.Join(lines, ""))
}

func slowness(name string) int {
	switch name {
	case "never-initialised", "never-answers", "goes-silent", "stops-reading", "skips-one", "talks-after-the-end", "late-and-wrong":
		return 1
	}
	return 0
}

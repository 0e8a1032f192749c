// Package samerun checks that a seed of eddytest.Check gives the same run each time.
package samerun

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// Check runs TestAllSeeds of the package under test in two processes, one of them with a single
// processor, and checks that each seed gives the same messages at the same times in both. seeds
// is how many seeds long tests try.
func Check(t *testing.T, seeds int) {
	t.Parallel()
	seeds = longtest.Or(seeds, 2)
	first, second := traces(t, seeds, 1), traces(t, seeds, 2)
	if len(first) < seeds || len(first) != len(second) {
		t.Fatalf("%d and %d runs, want at least %d", len(first), len(second), seeds)
	}
	for i, trace := range first {
		if trace != second[i] {
			t.Errorf("one process wrote  %s\nanother one wrote %s", trace, second[i])
		}
	}
}

// traces returns what a process with so many processors says about each run, sorted.
func traces(t *testing.T, seeds, processors int) (ended []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAllSeeds$", "-eddy.trace", "-eddy.seeds="+strconv.Itoa(seeds))
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(processors))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, " has ended: pass, trace ") {
			ended = append(ended, strings.TrimSpace(line))
		}
	}
	slices.Sort(ended)
	return ended
}

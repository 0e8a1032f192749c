package main

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

func init() {
	for name, run := range testnode.Buggy {
		testNodes["buggy-"+name] = program.Main(run)
	}
}

// Each buggy node that needs a process of its own gets the verdict that it should. Package
// eddytest tests the others, in virtual time.
func TestBuggyNodes(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(testnode.NeedProcesses))
	sideBySide(t, len(names), func(t *testing.T, i int) {
		timeout := "2s"
		if names[i] == "long-line" { // takes long to read on a busy machine
			timeout = "30s"
		}
		r := briefTest(t, "-w", "echo", "--bin", "buggy-"+names[i], "--nodes", "n1", "--concurrency", "2", "--rate", "20",
			"--time-limit", "1", "--client-timeout", timeout, "--call-timeout", "50ms", "--call-attempts", "1")
		if got, want := fmt.Sprintf("%s by %s", r.Verdict, r.checks()), testnode.NeedProcesses[names[i]]; got != want {
			t.Errorf("buggy-%s: %s, want %s\n%s", names[i], got, want, r.text())
		}
	})
}

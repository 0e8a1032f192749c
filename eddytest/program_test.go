package eddytest_test

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/trial"
)

// virtually returns a node program of the tests of eddy test as a node of a test in virtual
// time.
func virtually(run func(*program.Process), args ...string) func(*eddytest.Process) error {
	return func(p *eddytest.Process) error {
		run(&program.Process{
			Context: p.Context, Stdin: p.Stdin, Stdout: p.Stdout, Stderr: io.Discard, Dir: p.Dir, Args: args,
			Exit:   func(status int) { panic(fmt.Sprint("exit status ", status)) },
			Random: program.Random(p.Number()),
		})
		return nil
	}
}

// A bugTest is a test that must find a bug, or must pass.
type bugTest struct {
	name   string
	run    func(*program.Process)
	args   []string
	test   eddytest.Test
	seed   uint64
	change func(*trial.Config) // may be nil

	checks string // one of these must find the bug; "" if the test must pass
}

// slowWithRaces skips a test of many nodes if the race detector is on.
func slowWithRaces(t *testing.T) {
	t.Helper()
	if raceOn {
		t.Skip("many nodes take minutes with the race detector")
	}
}

// TestMain collects garbage less often: the tests are many short runs, which leave much of it.
// This saves a seventh of their time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// expect runs tests of nodes side by side.
func expect(t *testing.T, tests []bugTest) {
	t.Helper()
	slowWithRaces(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.change == nil {
				test.change = func(*trial.Config) {}
			}
			// Several goroutines of a node may run in another order in each run, so a bug has
			// some seeds.
			seeds := uint64(1)
			if test.checks != "" {
				seeds = 5
			}
			var got eddytest.Judged
			for seed := range seeds {
				got = eddytest.RunSeed(t, virtually(test.run, test.args...), test.test, max(1, test.seed)+seed, test.change)
				if test.checks == "" && got.Verdict == "pass" || test.checks != "" && got.Verdict == "fail" && slices.ContainsFunc(got.Failed, func(check string) bool { return slices.Contains(strings.Fields(test.checks), check) }) {
					return
				}
			}
			t.Errorf("%s by %s, want %s\n%s", got.Verdict, got.Failed, cmp.Or(test.checks, "pass"), got.Text)
		})
	}
}

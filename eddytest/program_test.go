package eddytest_test

import (
	"fmt"
	"io"
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

// expect runs tests of nodes side by side.
func expect(t *testing.T, tests []bugTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.change == nil {
				test.change = func(*trial.Config) {}
			}
			got := eddytest.RunSeed(t, virtually(test.run, test.args...), test.test, max(1, test.seed), test.change)
			switch {
			case test.checks == "" && got.Verdict != "pass":
				t.Errorf("%s\n%s", got.Verdict, got.Text)
			case test.checks == "":
			case got.Verdict != "fail" || !slices.ContainsFunc(got.Failed, func(check string) bool { return slices.Contains(strings.Fields(test.checks), check) }):
				t.Errorf("%s by %s, want one of %s\n%s", got.Verdict, got.Failed, test.checks, got.Text)
			}
		})
	}
}

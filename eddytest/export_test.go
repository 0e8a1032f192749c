package eddytest

import (
	"cmp"
	"slices"
	"testing"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/trial"
)

// Failure returns what Check says of a node that fails.
func Failure(t *testing.T, newNode func() *eddy.Node, test Test) string {
	return failure(t, newNode, test)
}

// Seeds returns what the flag -eddy.seeds says, or else n.
func Seeds(n int) uint64 { return uint64(cmp.Or(*manySeeds, n)) }

// A Found is the first seed that does not pass.
type Found struct {
	Seed     uint64
	Check    string        // which decided
	Describe func() string // what Check says, with the smallest case
}

// FirstFailure tries the seeds from 1 on. It returns nil if all pass.
func FirstFailure(t *testing.T, program func(*Process) error, test Test, seeds uint64) *Found {
	t.Helper()
	cfg, err := test.config()
	if err != nil {
		t.Fatal(err)
	}
	c := newChecking(t, cfg)
	c.program = program
	r := c.firstFailure(1, seeds)
	if r == nil {
		return nil
	}
	return &Found{r.seed, r.main(), func() string { return c.describe(r, seeds) }}
}

// A Judged is what became of one seed.
type Judged struct {
	Verdict string
	Checks  []string // those that did not pass, each once
	Failed  []string // those of them that are violations
	Text    string
}

// RunSeed runs one seed of a test, whose configuration change may change.
func RunSeed(t *testing.T, program func(*Process) error, test Test, seed uint64, change func(*trial.Config)) (o Judged) {
	t.Helper()
	cfg, err := test.config()
	if err != nil {
		t.Fatal(err)
	}
	change(cfg)
	c := newChecking(t, cfg)
	c.program = program
	r := c.run(seed)
	o.Verdict = r.verdict.String()
	for _, p := range r.problems {
		if !slices.Contains(o.Checks, p.Check) {
			o.Checks = append(o.Checks, p.Check)
		}
		if !p.Unknown && !slices.Contains(o.Failed, p.Check) {
			o.Failed = append(o.Failed, p.Check)
		}
		o.Text += p.Check + ": " + p.Text + "\n"
	}
	return o
}

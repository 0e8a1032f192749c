package eddytest

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/shrink"
	"github.com/eddyrpc/eddy/internal/story"
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
	Shrink   func() *Shrunk
}

// Shrunk is the smallest case of a seed that fails.
type Shrunk struct {
	Size, Of shrink.Size
	Minimal  bool
	Needless []string // faults and fates without which the same check fails
	Story    string
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
	return &Found{r.seed, r.main(), func() string { return c.describe(r, seeds) }, func() *Shrunk { return c.shrunk(r) }}
}

// shrunk searches for the smallest case, and then leaves out each of its faults and fates.
func (c *checking) shrunk(r *run) *Shrunk {
	found, last := c.shrink(r, nil)
	s := &Shrunk{Size: shrink.SizeOf(found.Case), Of: shrink.SizeOf(r.result.Case()), Minimal: found.Minimal}
	s.Story = story.Of(last.result.History, last.result.Journal, story.MaxLines)
	for i := range found.Case.Faults {
		less := *found.Case
		less.Faults = slices.Delete(slices.Clone(less.Faults), i, i+1)
		if c.replay(r, &less).failsAs(r) {
			s.Needless = append(s.Needless, found.Case.Faults[i].String())
		}
	}
	for i := range found.Case.Fates {
		less := *found.Case
		less.Fates = slices.Delete(slices.Clone(less.Fates), i, i+1)
		if c.replay(r, &less).failsAs(r) {
			s.Needless = append(s.Needless, fmt.Sprint(found.Case.Fates[i]))
		}
	}
	return s
}

// A Judged is what became of one seed.
type Judged struct {
	Verdict  string
	Checks   []string // those that did not pass, each once
	Failed   []string // those of them that are violations
	Warnings []string // the kinds of oddities between nodes, each once
	Text     string
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
	for _, w := range r.result.Warnings {
		if !slices.Contains(o.Warnings, w.Kind) {
			o.Warnings = append(o.Warnings, w.Kind)
		}
	}
	return o
}

// Store runs one seed of a test, whose configuration change may change, and stores it. It
// returns the directory of the stored test.
func Store(t *testing.T, program func(*Process) error, test Test, seed uint64, change func(*trial.Config)) string {
	t.Helper()
	cfg, err := test.config()
	if err != nil {
		t.Fatal(err)
	}
	change(cfg)
	c := newChecking(t, cfg)
	c.program = program
	page, err := writeReport(t.TempDir(), cfg, c.run(seed).result, nil)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(page)
}

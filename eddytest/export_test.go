package eddytest

import (
	"cmp"
	"testing"

	"github.com/eddyrpc/eddy"
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

package eddytest

import "testing"

// A Failure is the first run that does not pass.
type Failure struct {
	Seed  uint64
	Check string // which decided
	Text  string // as Check reports it
}

// FirstFailure runs a program with the seeds from 1 on, and returns the first failure, or nil.
func FirstFailure(t *testing.T, program func(*Process) error, test Test, seeds uint64) *Failure {
	t.Helper()
	c := newChecking(t, program, test)
	r := c.firstFailure(1, seeds)
	if r == nil {
		return nil
	}
	return &Failure{r.seed, r.main(), c.describe(r, seeds)}
}

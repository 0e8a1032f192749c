// Package shrink finds a small case that fails in a large one, by delta debugging: it
// removes faults, fates, requests and nodes, runs what is left, and keeps what still
// fails.
package shrink

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/trial"
)

// Options are the limits of a search.
type Options struct {
	Runs     int         // how many cases may be run; 0 means any number
	Expired  func() bool // unless nil, reports whether the time for the search is over
	MinNodes int         // how many nodes the program and its workload need; 0 means 1

	OnProgress func(Progress) // unless nil, is called after every run
}

// Progress describes a search.
type Progress struct {
	Runs int  // cases that were run
	Size Size // of the smallest case that fails
}

// A Size says how large a case is.
type Size struct {
	Faults, Fates, Asks, Nodes int
	TimeLimit                  time.Duration
}

// SizeOf returns the size of a case.
func SizeOf(c *trial.Case) Size {
	return Size{len(c.Faults), len(c.Fates), len(c.Asks), len(c.Nodes), c.TimeLimit}
}

func (s Size) String() string {
	count := func(n int, one string) string {
		if n == 1 {
			return "1 " + one
		}
		return fmt.Sprintf("%d %ss", n, one)
	}
	return strings.Join([]string{
		count(s.Asks, "request"), count(s.Faults, "fault"), count(s.Fates, "lost or doubled message"), count(s.Nodes, "node"),
		s.TimeLimit.Round(time.Millisecond).String(),
	}, ", ")
}

// A Result is what a search has found.
type Result struct {
	Case *trial.Case // fails; it is the given case if nothing could be removed
	Runs int         // cases that were run

	// Minimal reports that the search has ended by itself, and not because of a limit.
	// Then no single fault, fate, request or node can be removed from the case, and no
	// single node from its kills and pauses: what is left does not fail.
	Minimal bool
}

// Shrink searches in a case that fails for a small one that fails. fails runs a case and
// reports whether it fails in the same way. It is not called with the given case, nor
// twice with the same one. Cases are not changed.
func Shrink(c *trial.Case, fails func(*trial.Case) bool, o Options) *Result {
	s := &search{Options: o, fails: fails, best: c, tried: map[[sha256.Size]byte]bool{hash(c): true}}
	for {
		before := s.best
		s.removeFaults()
		s.removeFates()
		s.removeAsks()
		s.removeNodes()
		s.narrowFaults()
		s.saveTime()
		if s.best == before || s.limited {
			return &Result{Case: s.best, Runs: s.runs, Minimal: !s.limited}
		}
	}
}

// A search is one call of Shrink.
type search struct {
	Options
	fails   func(*trial.Case) bool
	best    *trial.Case                // the smallest case that fails
	tried   map[[sha256.Size]byte]bool // by their hashes, the cases that were run, and the given one
	runs    int
	limited bool // a limit has been reached
}

// hash identifies a case.
func hash(c *trial.Case) [sha256.Size]byte {
	bare := *c
	bare.Smallest = false
	text, err := json.Marshal(&bare)
	if err != nil {
		panic(err) // a case can always be encoded
	}
	return sha256.Sum256(text)
}

// try runs a case. If it fails, it is the best one, and try returns true.
func (s *search) try(c *trial.Case) bool {
	c.Smallest = true
	key := hash(c)
	if s.limited || s.tried[key] {
		return false
	}
	if s.Runs > 0 && s.runs >= s.Runs || s.Expired != nil && s.Expired() {
		s.limited = true
		return false
	}
	s.tried[key] = true
	s.runs++
	failed := s.fails(c)
	if failed {
		s.best = c
	}
	if s.OnProgress != nil {
		s.OnProgress(Progress{s.runs, SizeOf(s.best)})
	}
	return failed
}

// change returns a changed copy of the best case.
func (s *search) change(f func(*trial.Case)) *trial.Case {
	c := *s.best
	f(&c)
	return &c
}

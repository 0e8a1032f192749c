package checker

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// Kills are the times at which the process of each node ended, in order. Between two
// of them a node is one incarnation.
type Kills map[string][]time.Duration

// KillsOf returns the kills in a journal.
func KillsOf(j *sim.Journal) Kills {
	kills := Kills{}
	for _, e := range j.Events() {
		if e.What == "killed" {
			kills[e.Node] = append(kills[e.Node], e.At)
		}
	}
	return kills
}

// incarnation returns the number of a node's incarnation between two times, from 0. It
// returns false if the process ended between them.
func (k Kills) incarnation(node string, from, to time.Duration) (number int, ok bool) {
	before, _ := slices.BinarySearch(k[node], from)
	until, ended := slices.BinarySearch(k[node], to)
	return before, before == until && !ended
}

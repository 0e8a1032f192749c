package workload

import (
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
)

// maxFinalKeys is how many keys a node is asked for at the same time.
const maxFinalKeys = 10

// finalReads are the keys that clients read in the final phase, each until a node
// answers: those with an acknowledged write, or a single one if there are none. Without
// this, a store that forgets everything, or that answers only with errors, would pass.
type finalReads struct {
	nodes      []string
	pending    []int64
	known      map[int64]bool // all keys that were ever pending
	rounds     map[string]int // by node: how often it was asked
	progressed bool
}

func newFinalReads(nodes []string) finalReads {
	return finalReads{nodes: nodes, known: map[int64]bool{}, rounds: map[string]int{}}
}

// add adds a key, because a write of it was acknowledged.
func (f *finalReads) add(key int64) {
	if !f.known[key] {
		f.known[key] = true
		f.pending = append(f.pending, key)
	}
}

// next returns the keys that a node is asked for in its next round. In another round it
// is asked for others, because only some nodes may be able to answer.
func (f *finalReads) next(node string) (keys []int64) {
	round, at := f.rounds[node], slices.Index(f.nodes, node)
	f.rounds[node]++
	for i, key := range f.pending {
		if (i+round)%len(f.nodes) == at && len(keys) < maxFinalKeys {
			keys = append(keys, key)
		}
	}
	return keys
}

// settled removes the keys that were answered, with a value or with the error that
// there is none. It reports whether none is left.
func (f *finalReads) settled(ops []history.Op) bool {
	answered := map[int64]bool{}
	for i := range ops {
		if ops[i].Outcome == history.OK || ops[i].Outcome == history.Fail && ops[i].Code == 20 {
			answered[ops[i].Key] = true
		}
	}
	before := len(f.pending)
	f.pending = slices.DeleteFunc(f.pending, func(key int64) bool { return answered[key] })
	f.progressed = len(f.pending) < before
	return len(f.pending) == 0
}

// problems returns a problem if the final phase ended before all keys were answered.
func (f *finalReads) problems() []checker.Problem {
	if len(f.rounds) == 0 || len(f.pending) == 0 {
		return nil
	}
	return []checker.Problem{{Check: "no-final-read", Unknown: true, Text: fmt.Sprintf(
		"no node answered a read of key %d in the final phase; %d of %d keys were not read",
		f.pending[0], len(f.pending), len(f.known))}}
}

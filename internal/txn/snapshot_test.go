package txn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// snapshots is an execution under snapshot isolation: a transaction reads the state at its
// start, and its writes take effect at its commit. Of two transactions that write a key, one
// commits before the other starts. (Berenson et al., A Critique of ANSI SQL Isolation Levels,
// SIGMOD 1995; without real time, as in Adya's PL-SI.)
type snapshots struct {
	txns      []Txn
	lists     bool
	started   []bool
	ended     []bool
	state     map[int64][]int64
	conflicts [][]int64 // by transaction: the keys that others have written since its start
}

// possibleSnapshots reports whether the transactions can have run under snapshot isolation, by
// trying all orders of their starts and commits. Indefinite ones may have had no effect.
func possibleSnapshots(txns []Txn, lists bool) bool {
	e := &snapshots{
		txns: txns, lists: lists, started: make([]bool, len(txns)), ended: make([]bool, len(txns)),
		state: map[int64][]int64{}, conflicts: make([][]int64, len(txns)),
	}
	return e.try()
}

// try reports whether the rest of the execution is possible.
func (e *snapshots) try() bool {
	left := false
	for i := range e.txns {
		if e.ended[i] || e.txns[i].Outcome == Fail {
			continue
		}
		left = left || e.txns[i].Outcome == OK
		if !e.started[i] && e.tryStart(i) || e.started[i] && e.tryCommit(i) {
			return true
		}
	}
	return !left
}

func (e *snapshots) tryStart(i int) bool {
	undo, ok := apply(e.state, e.txns[i], e.lists)
	undo()
	if !ok {
		return false
	}
	e.started[i], e.conflicts[i] = true, nil
	defer func() { e.started[i] = false }()
	return e.try()
}

func (e *snapshots) tryCommit(i int) bool {
	for _, op := range e.txns[i].Ops {
		if op.Kind != Read && slices.Contains(e.conflicts[i], op.Key) {
			return false
		}
	}
	before := slices.Clone(e.conflicts)
	defer func() { copy(e.conflicts, before) }()
	for j := range e.txns {
		for _, op := range e.txns[i].Ops {
			if op.Kind != Read && j != i && e.started[j] && !e.ended[j] {
				e.conflicts[j] = append(slices.Clone(e.conflicts[j]), op.Key)
			}
		}
	}
	written := e.txns[i]
	written.Outcome = Indefinite // its reads were compared at its start
	undo, _ := apply(e.state, written, e.lists)
	defer undo()
	e.ended[i] = true
	defer func() { e.ended[i] = false }()
	return e.try()
}

// overlapping returns a small history. Its transactions read at their start and write at their
// commit, in a random order of both, whether or not they conflict. A few results are changed.
// A last transaction reads all keys.
func overlapping(r *rand.Rand, lists bool) []Txn {
	txns := random(r, lists)
	txns = txns[:min(len(txns), 4)]
	state := map[int64][]int64{}
	started := make([]bool, len(txns))
	for left := 2 * len(txns); left > 0; {
		i := r.IntN(len(txns))
		x := &txns[i]
		switch {
		case !started[i]:
			started[i] = true
			read(state, x)()
		case x.Process >= 0:
			x.Process = -1 // it has committed
			if x.Outcome == OK || x.Outcome == Indefinite && r.IntN(2) == 0 {
				written := *x
				written.Outcome = Indefinite
				apply(state, written, lists)
			}
		default:
			continue
		}
		left--
	}
	last := Txn{Name: "last", Ops: []Op{{Kind: Read, Key: 0}, {Kind: Read, Key: 1}}}
	read(state, &last)
	txns = append(txns, last)
	for i := range txns {
		txns[i].Process, txns[i].From, txns[i].To = i, time.Duration(10*i), time.Duration(10*i+1)
		for k := range txns[i].Ops {
			op := &txns[i].Ops[k]
			switch {
			case op.Kind != Read:
			case txns[i].Outcome != OK:
				op.Read = nil
			case r.IntN(16) == 0 && len(op.Read) > 0 && i < len(txns)-1:
				op.Read = op.Read[:len(op.Read)-1]
			}
		}
	}
	return txns
}

// read gives the reads of a transaction their results, and returns a function that undoes its
// writes.
func read(state map[int64][]int64, x *Txn) (undo func()) {
	before := map[int64][]int64{}
	for k, v := range state {
		before[k] = v
	}
	for k := range x.Ops {
		op := &x.Ops[k]
		switch op.Kind {
		case Append:
			state[op.Key] = append(slices.Clone(state[op.Key]), op.Value)
		case Write:
			state[op.Key] = []int64{op.Value}
		case Read:
			op.Read = slices.Clone(state[op.Key])
		}
	}
	return func() {
		clear(state)
		for k, v := range before {
			state[k] = v
		}
	}
}

// What is found under snapshot isolation is compared with all orders of starts and commits.
// For lists that are read in the end, both are the same. For registers a finding must be true.
func TestAllSnapshots(t *testing.T) {
	for _, lists := range []bool{true, false} {
		t.Run(fmt.Sprintf("lists %v", lists), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(3, 4))
			bad, found, skews := 0, 0, 0
			for range longtest.Or(20_000, 2_000) {
				txns := overlapping(r, lists)
				var res Result
				if res = Registers(txns, []Model{"snapshot-isolation"}); lists {
					res = Lists(txns, []Model{"snapshot-isolation"})
				}
				is := possibleSnapshots(txns, lists)
				if !is {
					bad++
					if res.Forbidden > 0 {
						found++
					}
				} else if !possible(txns, lists, false) {
					skews++
				}
				if is && res.Forbidden > 0 || lists && !is && res.Forbidden == 0 {
					t.Fatalf("possible %v, found %+v\n%+v", is, res.Findings, txns)
				}
			}
			t.Logf("%d of %d histories that are not possible were found; %d are possible and not serializable", found, bad, skews)
			if 10*found < 5*bad || bad == 0 || skews == 0 {
				t.Errorf("%d of %d histories that are not possible were found; %d are possible and not serializable", found, bad, skews)
			}
		})
	}
}

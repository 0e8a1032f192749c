package txn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// possible reports whether the transactions can have taken effect one after the other, by
// trying all orders. Indefinite ones may have had no effect. If inTime, a transaction comes
// after those that had ended before it began.
func possible(txns []Txn, lists, inTime bool) bool {
	done := make([]bool, len(txns))
	state := map[int64][]int64{}
	var try func() bool
	try = func() bool {
		left := false
		for i := range txns {
			if done[i] || txns[i].Outcome == Fail {
				continue
			}
			left = left || txns[i].Outcome == OK
			if inTime && slices.ContainsFunc(indices(txns), func(j int) bool {
				return !done[j] && txns[j].Outcome == OK && txns[j].To < txns[i].From
			}) {
				continue
			}
			undo, ok := apply(state, txns[i], lists)
			done[i] = true
			if ok && try() {
				return true
			}
			done[i] = false
			undo()
		}
		return !left
	}
	return try()
}

func indices(txns []Txn) (all []int) {
	for i := range txns {
		all = append(all, i)
	}
	return all
}

// apply does a transaction, and reports whether its reads are right.
func apply(state map[int64][]int64, txn Txn, lists bool) (undo func(), ok bool) {
	before := map[int64][]int64{}
	for k, v := range state {
		before[k] = v
	}
	ok = true
	for _, op := range txn.Ops {
		switch op.Kind {
		case Append:
			state[op.Key] = append(slices.Clone(state[op.Key]), op.Value)
		case Write:
			state[op.Key] = []int64{op.Value}
		case Read:
			ok = ok && (txn.Outcome != OK || slices.Equal(state[op.Key], op.Read))
		}
	}
	return func() {
		clear(state)
		for k, v := range before {
			state[k] = v
		}
	}, ok
}

// random returns a small history. Its results come from running the transactions one after the
// other in some order, of which a few are then changed.
func random(r *rand.Rand, lists bool) (txns []Txn) {
	count := 2 + r.IntN(4)
	next := map[int64]int64{}
	for i := range count {
		from := r.IntN(30)
		x := Txn{Name: fmt.Sprintf("T%d", i+1), Process: i, From: time.Duration(from), To: time.Duration(from + 1 + r.IntN(20))}
		if n := r.IntN(10); n < 2 {
			x.Outcome = []Outcome{Fail, Indefinite}[n]
		}
		for range 1 + r.IntN(3) {
			op := Op{Kind: Read, Key: int64(r.IntN(2))}
			if r.IntN(2) == 0 {
				next[op.Key]++
				op.Value = next[op.Key]
				if op.Kind = Write; lists {
					op.Kind = Append
				}
			}
			x.Ops = append(x.Ops, op)
		}
		txns = append(txns, x)
	}
	state := map[int64][]int64{}
	for _, i := range r.Perm(count) {
		x := &txns[i]
		if x.Outcome == Fail && r.IntN(4) > 0 || x.Outcome == Indefinite && r.IntN(2) == 0 {
			continue
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
	}
	for i := range txns {
		for k := range txns[i].Ops {
			op := &txns[i].Ops[k]
			switch {
			case op.Kind != Read:
			case txns[i].Outcome != OK:
				op.Read = nil
			case r.IntN(8) == 0 && len(op.Read) > 0:
				op.Read = op.Read[:len(op.Read)-1]
			case r.IntN(12) == 0:
				v := 1 + r.Int64N(4)
				if op.Read = append(op.Read, v); !lists {
					op.Read = []int64{v}
				}
			}
		}
	}
	return txns
}

// What is found is compared with all orders of small histories. A list shows everything: the
// transactions can have taken effect one after the other exactly if nothing is found. A
// register does not show the order of its values, so there a finding must be true, but not
// everything is found.
func TestAllOrders(t *testing.T) {
	for _, lists := range []bool{true, false} {
		t.Run(fmt.Sprintf("lists %v", lists), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 2))
			bad, found := 0, 0
			for range longtest.Or(20_000, 2_000) {
				txns := random(r, lists)
				for _, m := range []Model{"serializable", StrictSerializable} {
					var res Result
					if res = Registers(txns, []Model{m}); lists {
						res = Lists(txns, []Model{m})
					}
					is := possible(txns, lists, m == StrictSerializable)
					if !is {
						bad++
						if res.Forbidden > 0 {
							found++
						}
					}
					if is && res.Forbidden > 0 || lists && !is && res.Forbidden == 0 {
						t.Fatalf("%s: possible %v, found %+v\n%+v", m, is, res.Findings, txns)
					}
				}
			}
			t.Logf("%d of %d histories that are not possible were found", found, bad)
			if found == 0 || 10*found < 5*bad {
				t.Errorf("%d of %d histories that are not possible were found", found, bad)
			}
		})
	}
}

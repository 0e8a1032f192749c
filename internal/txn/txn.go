// Package txn judges histories of transactions. It infers from what the transactions read in
// which order they must have taken effect, looks for orders that contradict each other, and
// says which consistency models allow what it found. All functions are pure.
//
// The method is that of Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from
// Experimental Observations", VLDB 2020. The anomalies are those of Adya, "Weak Consistency",
// PhD thesis, MIT, 1999, and the names are Elle's.
package txn

import (
	"math"
	"time"
)

// A Txn is a transaction that a client asked for.
type Txn struct {
	Name    string // for people, such as "T17 (c4 at n1)"
	Process int    // does one transaction at a time
	Outcome Outcome
	From    time.Duration // when the client asked
	To      time.Duration // when the outcome was known; of an Indefinite one it says nothing
	Final   bool          // it began after all faults, when every node had time to catch up

	// Ops are its operations in their order. Reads have a result only if the outcome is OK.
	Ops []Op
}

// An Outcome says whether a transaction took effect.
type Outcome uint8

const (
	OK         Outcome = iota // it did
	Fail                      // it surely did not
	Indefinite                // it may have
)

// An Op is one operation of a transaction on a key.
type Op struct {
	Kind  Kind
	Key   int64
	Value int64   // what an Append or a Write gives to the key
	Read  []int64 // what a Read returned: the elements of a list, or the value of a register; empty if there was none
}

// A Kind is what an operation does.
type Kind uint8

const (
	Read   Kind = iota
	Append      // adds an element at the end of a list
	Write       // gives a register a value
)

// never is when a transaction ends of which nobody knows when it took effect.
const never = time.Duration(math.MaxInt64)

// end returns when a transaction had surely taken effect.
func (t *Txn) end() time.Duration {
	if t.Outcome == OK {
		return t.To
	}
	return never
}

// A version is a value of a key.
type version struct{ key, value int64 }

// A write is where a version comes from.
type write struct {
	txn  int32
	last bool // the transaction writes no other version of the key after it
}

// writesOf returns where each version comes from.
func writesOf(txns []Txn) map[version]write {
	writes := make(map[version]write, len(txns))
	for i := range txns {
		last := map[int64]int64{}
		for _, op := range txns[i].Ops {
			if op.Kind != Read {
				last[op.Key] = op.Value
			}
		}
		for _, op := range txns[i].Ops {
			if op.Kind != Read {
				writes[version{op.Key, op.Value}] = write{int32(i), last[op.Key] == op.Value}
			}
		}
	}
	return writes
}

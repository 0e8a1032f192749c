package checker

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/canonical"
)

// Linear checks that a history of registers is linearizable (Herlihy and Wing,
// TOPLAS 1990): that every operation could have happened at one moment between
// its beginning and its end. Each key is a register of its own, which is
// allowed, since linearizability is local.
//
//	read   Result is what it gave; null if there was nothing under the key
//	write  Value is what was written
//	cas    Value is [from, to]
//
// A Fail took no effect. With code 20 a read or a cas says that there was nothing
// under the key, with 22 a cas says that its value was another than from; that is
// something seen, at one moment, like what a read gives. Maelstrom looks at
// neither, so that a store that forgets all it knows passes there. With another
// code a Fail says nothing. An Info or Open one may have taken effect at any time
// since its beginning.
//
// To find an order is NP-complete in the number of concurrent operations (Gibbons
// and Korach, 1997), so the search gives up after the patience it is given, and
// the problem then is an unknown.
func Linear(h *history.History, patience time.Duration) (problems []Problem) {
	keys := byKey(h)
	switch {
	case !anyOK(h):
		return []Problem{{Check: "nothing-checked", Unknown: true, Text: "no operation was answered as it should be"}}
	case allLinear(keys, patience):
		return nil
	}
	each := max(leastPatience, patience/time.Duration(len(keys)))
	for _, key := range sortedKeys(keys) {
		if p, wrong := linearKey(key, keys[key], each); wrong {
			problems = append(problems, p)
		}
		if len(problems) == keptPerCheck {
			break
		}
	}
	return problems
}

// leastPatience is how long a key may take even if there are many of them: a
// busy machine may leave us off for some milliseconds.
const leastPatience = 200 * time.Millisecond

func anyOK(h *history.History) bool {
	for op := range h.All() {
		if op.Outcome == history.OK {
			return true
		}
	}
	return false
}

// allLinear searches for orders of all keys side by side, so that one that
// takes long may use the time that the others don't.
func allLinear(keys map[int64][]step, patience time.Duration) bool {
	model := register
	model.Partition = func([]porcupine.Operation) (parts [][]porcupine.Operation) {
		for _, key := range sortedKeys(keys) {
			parts = append(parts, operations(keys[key], math.MaxInt64))
		}
		return parts
	}
	return porcupine.CheckOperationsTimeout(model, nil, patience) == porcupine.Ok
}

// A step is an operation on a register, as the model reads it.
type step struct {
	op       *history.Op
	value    string // read: what it gave; write: what it wrote; cas: to
	from     string // of a cas
	finished bool
	failed   bool // a cas that says that it met another value than from
}

// The codes that say what was seen.
const (
	keyDoesNotExist    = 20
	preconditionFailed = 22
)

// nothing is the value of a register that was never written.
const nothing = "null"

func byKey(h *history.History) map[int64][]step {
	keys := map[int64][]step{}
	for op := range h.All() {
		s := step{op: op, value: form(op.Value), finished: op.Outcome == history.OK}
		switch {
		case op.Outcome == history.Fail && op.Code == keyDoesNotExist && (op.F == "read" || op.F == "cas"):
			s.value, s.finished = nothing, true // as a read that found nothing
			keys[op.Key] = append(keys[op.Key], s)
			continue
		case op.Outcome == history.Fail && (op.Code != preconditionFailed || op.F != "cas"):
			continue
		case op.F == "read":
			if !s.finished {
				continue // nobody has seen it
			}
			s.value = form(op.Result)
		case op.F == "cas":
			var fromTo []jsontext.Value
			if json.Unmarshal(op.Value, &fromTo, jsontext.AllowDuplicateNames(true)) != nil || len(fromTo) != 2 {
				continue
			}
			s.from, s.value = form(fromTo[0]), form(fromTo[1])
			s.failed = op.Outcome == history.Fail
			s.finished = s.finished || s.failed
		case op.F != "write":
			continue
		}
		keys[op.Key] = append(keys[op.Key], s)
	}
	return keys
}

func sortedKeys(keys map[int64][]step) []int64 {
	var all []int64
	for key := range keys {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// form is the canonical form of a register's value.
func form(v jsontext.Value) string {
	if len(v) == 0 {
		return nothing
	}
	return canonical.JSON(v)
}

// register is what one key does.
var register = porcupine.Model{
	Init: func() any { return nothing },
	Step: func(state, input, _ any) (bool, any) {
		now, s := state.(string), input.(step)
		switch {
		case s.reads():
			return now == s.value, now
		case s.failed:
			return now != s.from, now
		case s.op.F == "write", now == s.from:
			return true, s.value
		}
		return !s.finished, now // a cas that met another value
	},
}

func linearKey(key int64, steps []step, patience time.Duration) (Problem, bool) {
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(end(a), end(b)) })
	switch porcupine.CheckOperationsTimeout(register, operations(steps, math.MaxInt64), patience) {
	case porcupine.Ok:
		return Problem{}, false
	case porcupine.Unknown:
		return Problem{
			Check: "linearizable", Unknown: true,
			Text: fmt.Sprintf("key %d: in %v no order of its %d operations was found, nor that there is none", key, patience, len(steps)),
		}, true
	}
	culprit := firstWithoutOrder(steps, patience)
	return Problem{
		Check: "linearizable", At: culprit.op.To,
		Text:  fmt.Sprintf("key %d: no order of the operations explains the %s, which %s", key, culprit.op, culprit.did()),
		Asked: before(steps, culprit),
	}, true
}

// shownBefore is how many writes to a key are told of beside the operation that no
// order explains.
const shownBefore = 4

// before are a step's operation and the last that began before it ended and may
// have written.
func before(steps []step, culprit *step) []Asked {
	all := []Asked{asked(culprit.op)}
	sorted := slices.Clone(steps)
	slices.SortStableFunc(sorted, func(a, b step) int { return cmp.Compare(b.op.From, a.op.From) })
	for _, s := range sorted {
		if !s.reads() && !s.failed && s.op.From < culprit.op.To && s.op != culprit.op && len(all) <= shownBefore {
			all = append(all, asked(s.op))
		}
	}
	return all
}

// reads reports whether a step says what the value is, and changes nothing.
func (s *step) reads() bool { return s.op.F == "read" || s.op.Code == keyDoesNotExist }

func (s *step) did() string {
	switch {
	case s.op.Code == keyDoesNotExist:
		return "found nothing under the key"
	case s.failed:
		return "met another value than " + s.from
	case s.op.F == "read":
		return "gave " + s.value
	case s.op.F == "cas":
		return "changed " + s.from + " to " + s.value
	}
	return "wrote " + s.value
}

// firstWithoutOrder is the operation whose end is the earliest by which there
// is no order any more. What is wrong by then stays wrong, so bisect.
func firstWithoutOrder(steps []step, patience time.Duration) *step {
	finished := steps[:slices.IndexFunc(append(slices.Clone(steps), step{}), func(s step) bool { return !s.finished })]
	low, high := 0, len(finished)-1
	for low < high {
		middle := (low + high) / 2
		until := finished[middle].op.To
		if porcupine.CheckOperationsTimeout(register, operations(steps, until), patience) == porcupine.Illegal {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return &finished[low]
}

func end(s step) time.Duration {
	if !s.finished {
		return math.MaxInt64
	}
	return s.op.To
}

// operations are the steps as far as they were known at a time: what had not
// ended by then may or may not have taken effect. Times are doubled so that
// what begins when another ends counts as concurrent: clocks have grains.
func operations(steps []step, until time.Duration) (all []porcupine.Operation) {
	for _, s := range steps {
		if s.op.From > until {
			continue
		}
		o := porcupine.Operation{ClientId: s.op.Process, Call: 2 * int64(s.op.From), Return: math.MaxInt64}
		switch {
		case s.finished && s.op.To <= until:
			o.Return = 2*int64(s.op.To) + 1
		case s.reads() || s.failed:
			continue
		default:
			s.finished = false
		}
		o.Input = s
		all = append(all, o)
	}
	return all
}

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
// TOPLAS 1990): each operation seems to take effect at one moment between its
// beginning and its end. It checks each key separately, because linearizability is
// local.
//
//	read   Result is the value read; null if the key did not exist
//	write  Value is the value written
//	cas    Value is [from, to]
//
// A failed operation had no effect. If a read or a cas fails with code 20, the key
// did not exist at one moment. If a cas fails with code 22, the value differed from
// from at one moment. Linear checks these observations like the result of a read.
// Maelstrom does not, so that a store that loses all its values passes there. Other
// codes mean nothing. An operation that is indefinite or open may have taken effect
// at any time after its beginning.
//
// The search for an order is NP-complete in the number of concurrent operations
// (Gibbons and Korach, 1997). If it takes longer than the timeout, the problem is
// Unknown.
func Linear(h *history.History, timeout time.Duration) (problems []Problem) {
	keys := byKey(h)
	switch {
	case !anyOK(h):
		return []Problem{{Check: "nothing-checked", Unknown: true, Text: "no operation ended ok"}}
	case allLinear(keys, timeout):
		return nil
	}
	each := max(minTimeout, timeout/time.Duration(len(keys)))
	for _, key := range sortedKeys(keys) {
		if p, wrong := linearKey(key, keys[key], each); wrong {
			problems = append(problems, p)
		}
		if len(problems) == maxPerCheck {
			break
		}
	}
	return problems
}

// minTimeout is the least timeout of a key when there are many keys. On a busy
// machine this program may not run for some milliseconds.
const minTimeout = 200 * time.Millisecond

func anyOK(h *history.History) bool {
	for op := range h.All() {
		if op.Outcome == history.OK {
			return true
		}
	}
	return false
}

// allLinear searches for the orders of all keys in parallel, so that a key that
// takes long can use the time that the others do not need.
func allLinear(keys map[int64][]step, timeout time.Duration) bool {
	model := register
	model.Partition = func([]porcupine.Operation) (parts [][]porcupine.Operation) {
		for _, key := range sortedKeys(keys) {
			parts = append(parts, operations(keys[key], math.MaxInt64))
		}
		return parts
	}
	return porcupine.CheckOperationsTimeout(model, nil, timeout) == porcupine.Ok
}

// A step is an operation on a register, as the model uses it.
type step struct {
	op       *history.Op
	value    string // the value read or written; of a cas, to
	from     string // of a cas
	finished bool   // it took effect or was an observation; otherwise it may have taken effect
	failed   bool   // a cas that failed because the value differed from from
}

// The codes that are observations.
const (
	keyDoesNotExist    = 20
	preconditionFailed = 22
)

// missing is the value of a register that was never written.
const missing = "null"

// byKey returns the steps of each key.
func byKey(h *history.History) map[int64][]step {
	keys := map[int64][]step{}
	for op := range h.All() {
		s := step{op: op, value: form(op.Value), finished: op.Outcome == history.OK}
		switch {
		case op.Outcome == history.Fail && op.Code == keyDoesNotExist && (op.F == "read" || op.F == "cas"):
			s.value, s.finished = missing, true // like a read of null
			keys[op.Key] = append(keys[op.Key], s)
			continue
		case op.Outcome == history.Fail && (op.Code != preconditionFailed || op.F != "cas"):
			continue
		case op.F == "read":
			if !s.finished {
				continue // its result is not known
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

// form returns the canonical form of a register's value.
func form(v jsontext.Value) string {
	if len(v) == 0 {
		return missing
	}
	return canonical.JSON(v)
}

// register is the model of one key.
var register = porcupine.Model{
	Init: func() any { return missing },
	Step: func(state, input, _ any) (bool, any) {
		current, s := state.(string), input.(step)
		switch {
		case s.reads():
			return current == s.value, current
		case s.failed:
			return current != s.from, current
		case s.op.F == "write", current == s.from:
			return true, s.value
		}
		return !s.finished, current // a cas from another value
	},
}

// linearKey checks one key. It returns false if the key is linearizable.
func linearKey(key int64, steps []step, timeout time.Duration) (Problem, bool) {
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(end(a), end(b)) })
	switch porcupine.CheckOperationsTimeout(register, operations(steps, math.MaxInt64), timeout) {
	case porcupine.Ok:
		return Problem{}, false
	case porcupine.Unknown:
		return Problem{
			Check: "not-linearizable", Unknown: true,
			Text: fmt.Sprintf("key %d: the search for an order of its %d operations took longer than %v", key, len(steps), timeout),
		}, true
	}
	culprit := firstWithoutOrder(steps, timeout)
	return Problem{
		Check: "not-linearizable", At: culprit.op.To,
		Text:     fmt.Sprintf("key %d: no order of the operations explains the %s, which %s", key, culprit.op, culprit.effect()),
		Requests: writesBefore(steps, culprit),
	}, true
}

// maxWritesBefore is the limit of writesBefore.
const maxWritesBefore = 4

// writesBefore returns the request of a step, and those of the last steps that began
// before it ended and may have written.
func writesBefore(steps []step, culprit *step) []Request {
	all := []Request{requestOf(culprit.op)}
	sorted := slices.Clone(steps)
	slices.SortStableFunc(sorted, func(a, b step) int { return cmp.Compare(b.op.From, a.op.From) })
	for _, s := range sorted {
		if !s.reads() && !s.failed && s.op.From < culprit.op.To && s.op != culprit.op && len(all) <= maxWritesBefore {
			all = append(all, requestOf(s.op))
		}
	}
	return all
}

// reads reports whether a step observes the value and does not change it.
func (s *step) reads() bool { return s.op.F == "read" || s.op.Code == keyDoesNotExist }

// effect says what the step did.
func (s *step) effect() string {
	switch {
	case s.op.Code == keyDoesNotExist:
		return "found that the key does not exist"
	case s.failed:
		return "found another value than " + s.from
	case s.op.F == "read":
		return "read " + s.value
	case s.op.F == "cas":
		return "changed " + s.from + " to " + s.value
	}
	return "wrote " + s.value
}

// firstWithoutOrder returns the finished step with the earliest end at which there
// is no order any more. From then on there is none, so it bisects.
func firstWithoutOrder(steps []step, timeout time.Duration) *step {
	finished := steps[:slices.IndexFunc(append(slices.Clone(steps), step{}), func(s step) bool { return !s.finished })]
	low, high := 0, len(finished)-1
	for low < high {
		middle := (low + high) / 2
		until := finished[middle].op.To
		if porcupine.CheckOperationsTimeout(register, operations(steps, until), timeout) == porcupine.Illegal {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return &finished[low]
}

// end returns when the step ended, or the maximum.
func end(s step) time.Duration {
	if !s.finished {
		return math.MaxInt64
	}
	return s.op.To
}

// operations returns the steps as they were known at a time: a step that had not
// ended may have taken effect. Times are doubled, so that a step that begins at the
// moment when another ends is concurrent to it: clocks have a limited resolution.
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

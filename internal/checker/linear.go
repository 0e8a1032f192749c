package checker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/history"
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
// (Gibbons and Korach, 1997). A key that it cannot decide within the timeout is Unknown.
// A key that has no order is a violation, however many others were not decided.
func Linear(h *history.History, timeout time.Duration) []Problem {
	if !anyOK(h) {
		return []Problem{{Check: "nothing-checked", Unknown: true, Text: "no operation ended ok"}}
	}
	keys, end := byKey(h), time.Now().Add(timeout)
	found := registerFindings{history: h}
	var hard []int64
	for _, key := range sortedKeys(keys) {
		// First every key gets a little time, so that those that are easy are decided.
		until := time.Now().Add(firstTimeout)
		if until.After(end) {
			until = end
		}
		if !found.addKey(key, keys[key], until) {
			hard = append(hard, key)
		}
	}
	undecided := registerFindings{history: h}
	for i, key := range hard {
		left := max(0, time.Until(end)) / time.Duration(len(hard)-i)
		if !found.addKey(key, keys[key], time.Now().Add(left)) {
			undecided.unknown("not-linearizable", 0, "key %d: the search for an order of its %d operations took too long: too many of them were open at the same time",
				key, len(keys[key]))
		}
	}
	return append(found.problems(), undecided.problems()...)
}

const (
	// firstTimeout is how long the first search of a key may take.
	firstTimeout = 200 * time.Millisecond

	// minWork is the number of configurations that are searched for each key,
	// whatever time it is. On a busy machine this program may not run for some
	// milliseconds.
	minWork = 1000
)

// registerFindings are problems of keys.
type registerFindings struct {
	findings
	history *history.History
}

// addKey adds a problem if one key is not linearizable. It returns false if the search
// could not decide it.
func (f *registerFindings) addKey(key int64, steps []step, deadline time.Time) (decided bool) {
	result, culprit := searchRegister(steps, deadline, minWork)
	if result != illegal {
		return result != undecided
	}
	op := culprit.op
	if f.add("not-linearizable", op.To, -1, "not linearizable: on key %d, %s at %s %s (msg_id %d, %s to %s%s), which no order of the operations explains",
		key, op.Client, op.Node, culprit.effect(), op.MsgID, seconds(op.From), seconds(op.To), lateText(op)) {
		r := explainRegister(key, steps, culprit, failedOn(f.history, key))
		p := f.last()
		p.Register = r
		p.Text += "\n" + strings.Join(r.lines(), "\n")
		p.Requests = writesBefore(steps, culprit)
		for _, request := range r.requests() {
			if !slices.Contains(p.Requests, request) {
				p.Requests = append(p.Requests, request)
			}
		}
	}
	return true
}

// lateText says that a reply came too late for its client.
func lateText(op *history.Op) string {
	if op.InTime() {
		return ""
	}
	return "; the client stopped waiting at " + seconds(op.GaveUp)
}

// failedOn returns the operations on a key that definitely failed.
func failedOn(h *history.History, key int64) (failed []*history.Op) {
	for op := range h.All() {
		if op.Key == key && op.Outcome == history.Fail && !op.Again {
			failed = append(failed, op)
		}
	}
	return failed
}

func anyOK(h *history.History) bool {
	for op := range h.All() {
		if op.Outcome == history.OK {
			return true
		}
	}
	return false
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
		if op.Outcome == history.Fail && !observed(op) {
			continue
		}
		if s, ok := stepOf(op); ok {
			keys[op.Key] = append(keys[op.Key], s)
		}
	}
	return keys
}

// observed reports whether a failure says what the value was.
func observed(op *history.Op) bool {
	return op.Code == keyDoesNotExist && (op.F == "read" || op.F == "cas") || op.Code == preconditionFailed && op.F == "cas"
}

// stepOf returns an operation as a step, or false if it can say nothing. An operation that
// failed and observed nothing is a step that did not happen.
func stepOf(op *history.Op) (s step, ok bool) {
	s = step{op: op, value: form(op.Value), finished: op.Outcome == history.OK}
	switch {
	case op.Outcome == history.Fail && op.Code == keyDoesNotExist && (op.F == "read" || op.F == "cas"):
		s.value, s.finished = missing, true // like a read of null
	case op.F == "read":
		s.value = form(op.Result)
		return s, s.finished // otherwise its result is not known
	case op.F == "cas":
		var fromTo []jsontext.Value
		if json.Unmarshal(op.Value, &fromTo, jsontext.AllowDuplicateNames(true)) != nil || len(fromTo) != 2 {
			return s, false
		}
		s.from, s.value = form(fromTo[0]), form(fromTo[1])
		s.failed = op.Outcome == history.Fail && op.Code == preconditionFailed
		s.finished = s.finished || s.failed
	case op.F != "write":
		return s, false
	}
	return s, true
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

// changes reports whether a step changes the value, if it takes effect.
func (s *step) changes() bool { return !s.reads() && !s.failed }

// found returns the value that a step found, or "" if it says only what it was not.
func (s *step) found() string {
	switch {
	case s.reads():
		return s.value
	case s.op.F == "cas" && !s.failed:
		return s.from
	}
	return ""
}

// did says what the step did, or asked for, in a few words.
func (s *step) did() string {
	switch {
	case s.op.Code == keyDoesNotExist && s.reads():
		return s.op.F + ": no such key"
	case s.failed:
		return "cas: not " + s.from
	case s.op.F == "read":
		return "read " + s.value
	case s.op.F == "cas":
		return fmt.Sprintf("cas %s to %s", s.from, s.value)
	}
	return "write " + s.value
}

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

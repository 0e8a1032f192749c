package checker

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// bruteForce reports whether some order of the steps is correct. It tries all.
func bruteForce(steps []step, value string, done []bool) bool {
	left, earliest := false, time.Duration(math.MaxInt64)
	for i := range steps {
		if !done[i] && steps[i].finished {
			left = true
			earliest = min(earliest, steps[i].op.To)
		}
	}
	if !left {
		return true
	}
	for i := range steps {
		s := &steps[i]
		if done[i] || s.op.From > earliest {
			continue
		}
		after, ok := value, true
		switch {
		case s.reads():
			ok = value == s.value
		case s.failed:
			ok = value != s.from
		case s.op.F == "cas":
			after, ok = s.value, value == s.from
		default:
			after = s.value
		}
		if !ok {
			continue
		}
		done[i] = true
		found := bruteForce(steps, after, done)
		done[i] = false
		if found {
			return true
		}
	}
	return false
}

// registerHistory returns a random history of one register. Its operations take effect
// at random moments, and then some results are changed, so that about half of the
// histories have an order. One in wrong results is changed, and one in lost operations is
// indefinite.
func registerHistory(r *rand.Rand, ops, values, wrong, lost int) (all []history.Op) {
	value := "null"
	word := func() string { return fmt.Sprint(r.IntN(values)) }
	for i := range ops {
		at := time.Duration(10 * i)
		op := history.Op{
			Process: i, Outcome: history.OK,
			From: at - time.Duration(r.IntN(60)), To: at + time.Duration(r.IntN(60)),
		}
		happens := true
		switch {
		case r.IntN(lost) == 0:
			op.Outcome, happens = history.Indefinite, r.IntN(2) == 0
		case r.IntN(8) == 0:
			op.Outcome, op.Code, happens = history.Fail, 11, false
		}
		seen := value
		if r.IntN(wrong) == 0 {
			seen = word()
		}
		switch r.IntN(3) {
		case 0:
			op.F = "read"
			if op.Outcome == history.OK {
				if seen == missing && r.IntN(2) == 0 {
					op.Outcome, op.Code = history.Fail, keyDoesNotExist
				} else {
					op.Result = jsontext.Value(seen)
				}
			}
		case 1:
			op.F, op.Value = "write", jsontext.Value(word())
			if happens {
				value = string(op.Value)
			}
		case 2:
			from, to := word(), word()
			op.F, op.Value = "cas", fmt.Appendf(nil, "[%s,%s]", from, to)
			switch {
			case op.Outcome == history.OK && seen == missing:
				op.Outcome, op.Code = history.Fail, keyDoesNotExist
			case op.Outcome == history.OK && seen != from:
				op.Outcome, op.Code = history.Fail, preconditionFailed
			case happens && value == from:
				value = to
			}
		}
		all = append(all, op)
	}
	return all
}

// The search and brute force agree on random histories: on the result, and on the first
// step without an order.
func TestRegisterSearchAgreesWithBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	results := map[searchResult]int{}
	for range longtest.Or(50_000, 6_000) {
		ops := registerHistory(r, 1+r.IntN(8), 1+r.IntN(4), 1+r.IntN(10), 8)
		steps := byKey(history.Of(ops...))[0]
		got, culprit := searchRegister(steps, time.Now(), math.MaxInt)
		results[got]++
		want := linearizable
		if !bruteForce(steps, missing, make([]bool, len(steps))) {
			want = illegal
		}
		if got != want {
			t.Fatalf("%v, want %v: %s", got, want, lines(ops))
		}
		if want == linearizable {
			continue
		}
		for i := range steps {
			s := &steps[i]
			if s.finished && s.op.To <= culprit.op.To && bruteForce(until(steps, s.op.To), missing, make([]bool, len(steps))) == (s.op.To == culprit.op.To) {
				t.Fatalf("the culprit is %v, but %v: %s", culprit.op, s.op, lines(ops))
			}
		}
	}
	if results[linearizable] < 1000 || results[illegal] < 1000 {
		t.Errorf("the histories are too similar: %v", results)
	}
}

// until returns the steps as they were known at a time.
func until(steps []step, at time.Duration) (known []step) {
	for _, s := range steps {
		switch {
		case s.op.From > at:
			continue
		case s.finished && s.op.To > at && (s.reads() || s.failed):
			continue
		case s.finished && s.op.To > at:
			s.finished = false
		}
		known = append(known, s)
	}
	return known
}

func lines(ops []history.Op) string {
	var b strings.Builder
	history.Write(&b, history.Of(ops...))
	return b.String()
}

// The search and porcupine agree on longer histories.
func TestRegisterSearchAgreesWithPorcupine(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	results := map[porcupine.CheckResult]int{}
	for range longtest.Or(3000, 300) {
		ops := registerHistory(r, 10+r.IntN(90), 2+r.IntN(20), 5+r.IntN(300), 30)
		steps := byKey(history.Of(ops...))[0]
		got, _ := searchRegister(steps, time.Now(), math.MaxInt)
		want := porcupine.CheckOperationsTimeout(registerModel, porcupineOps(steps), 2*time.Second)
		results[want]++
		if want != porcupine.Unknown && (want == porcupine.Ok) != (got == linearizable) {
			t.Fatalf("%v, porcupine says %v: %s", got, want, lines(ops))
		}
	}
	if results[porcupine.Ok] < 30 || results[porcupine.Illegal] < 30 {
		t.Errorf("the histories are too similar: %v", results)
	}
}

// registerModel is the model of a register for porcupine.
var registerModel = porcupine.Model{
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

func porcupineOps(steps []step) (all []porcupine.Operation) {
	for _, s := range steps {
		o := porcupine.Operation{ClientId: s.op.Process, Input: s, Call: 2 * int64(s.op.From), Return: math.MaxInt64}
		if s.finished {
			o.Return = 2*int64(s.op.To) + 1
		}
		all = append(all, o)
	}
	return all
}

// A key without an order outweighs keys that cannot be decided, however many these are.
func TestIllegalOutweighsUndecided(t *testing.T) {
	var text strings.Builder
	for key := range 20 {
		hardKey(&text, key)
	}
	if problems := Linear(history.Of(kv(t, text.String())...), time.Nanosecond); len(problems) == 0 || Judge(problems, true) != Unknown {
		t.Fatalf("the keys are not hard: %+v", problems)
	}
	text.WriteString("write 77 1 0 1\nread 77 null 2 3\n")
	problems := Linear(history.Of(kv(t, text.String())...), time.Nanosecond)
	if Judge(problems, true) != Fail || !strings.Contains(problems[0].Text, "key 77") {
		t.Errorf("%+v", problems)
	}
}

// hardKey writes the operations on a key that no search can decide soon: 60 concurrent
// writes, and reads of some of their values in an impossible order.
func hardKey(text *strings.Builder, key int) {
	for i := range 60 {
		fmt.Fprintf(text, "write %d %d 0 1000\n", key, i)
	}
	for i := range 30 {
		fmt.Fprintf(text, "read %d %d %d %d\n", key, i, 10*i+1, 10*i+2)
	}
	fmt.Fprintf(text, "read %d 0 900 901\nread %d 1 902 903\n", key, key)
}

// The histories of a correct store are decided soon, however long they are, and with many
// operations that may or may not have taken effect.
func TestRegisterSearchIsFast(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	began := time.Now()
	ops := registerHistory(r, 20_000, 1000, math.MaxInt, 200)
	steps := byKey(history.Of(ops...))[0]
	if got, culprit := searchRegister(steps, began.Add(20*time.Second), 0); got != linearizable {
		t.Errorf("%v at %v", got, culprit)
	}
	t.Log(time.Since(began))
}

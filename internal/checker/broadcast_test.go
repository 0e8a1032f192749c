package checker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/history"
)

// sets parses a history, one operation per line, with times in milliseconds:
//
//	0-5 n1 broadcast 17          acknowledged, or followed by fail or indefinite
//	9-12 n2 read [17]            or followed by final
func sets(t testing.TB, script string) (ops []history.Op) {
	for line := range strings.Lines(script) {
		word := strings.Fields(line)
		op := history.Op{Process: len(ops), Client: fmt.Sprintf("c%d", len(ops)), MsgID: 1, Outcome: history.OK}
		if n, err := fmt.Sscanf(word[0], "%d-%d", &op.From, &op.To); n != 2 {
			t.Fatalf("%q: %v", line, err)
		}
		op.From, op.To = op.From*time.Millisecond, op.To*time.Millisecond
		op.Node, op.F = word[1], word[2]
		if op.F == "read" {
			op.Result = jsontext.Value(word[3])
		} else {
			op.Value = jsontext.Value(word[3])
		}
		for _, more := range word[4:] {
			switch more {
			case "final":
				op.Final = true
			case "fail":
				op.Outcome, op.Error = history.Fail, "error 11: busy"
			case "indefinite":
				op.Outcome = history.Indefinite
			}
		}
		ops = append(ops, op)
	}
	return ops
}

func TestBroadcast(t *testing.T) {
	datadriven.RunTest(t, "testdata/broadcast", func(t *testing.T, d *datadriven.TestData) string {
		problems, numbers := Broadcast(history.Of(sets(t, d.Input)...), []string{"n1", "n2"})
		return report(problems, numbers)
	})
}

// A set that all nodes share has no problems, whatever operations are concurrent.
func TestBroadcastOfSharedSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ops []history.Op
		var known []int64
		now := time.Duration(0)
		for i := range rapid.IntRange(1, 30).Draw(t, "ops") {
			from := now
			now += time.Duration(rapid.IntRange(1, 5).Draw(t, "ms")) * time.Millisecond
			op := history.Op{From: from, To: now, Node: "n1", F: "broadcast", Value: fmt.Append(nil, i)}
			if i > 0 && rapid.Bool().Draw(t, "read") {
				op.F, op.Value, op.Outcome = "read", nil, history.OK
				op.Result = listed(known)
			} else {
				op.Outcome = history.Outcome(rapid.IntRange(1, 3).Draw(t, "outcome"))
				if op.Outcome == history.OK || op.Outcome == history.Indefinite && rapid.Bool().Draw(t, "took effect") {
					known = append(known, int64(i))
				}
			}
			ops = append(ops, op)
		}
		for _, node := range []string{"n1", "n2"} {
			slices.Reverse(known)
			ops = append(ops, history.Op{From: now, To: now + 1, Node: node, F: "read", Result: listed(known), Outcome: history.OK, Final: true})
		}
		problems, _ := Broadcast(history.Of(ops...), []string{"n1", "n2"})
		for _, p := range problems {
			if !p.Unknown {
				t.Fatal(p.Text)
			}
		}
		if len(known) == 0 {
			return
		}
		for i := range ops { // the last final read omits an acknowledged element
			if ops[i].Outcome == history.OK && ops[i].F == "broadcast" {
				rest := slices.DeleteFunc(slices.Clone(known), func(v int64) bool { return fmt.Sprint(v) == string(ops[i].Value) })
				ops[len(ops)-1].Result = listed(rest)
				if problems, _ := Broadcast(history.Of(ops...), []string{"n1", "n2"}); len(problems) == 0 || problems[0].Check != "lost" {
					t.Fatalf("%s is missing: %v", ops[i].Value, problems)
				}
			}
		}
	})
}

func listed(values []int64) jsontext.Value {
	return jsontext.Value("[" + strings.ReplaceAll(strings.Trim(fmt.Sprint(values), "[]"), " ", ",") + "]")
}

func TestEchoAndUniqueIDs(t *testing.T) {
	ops := func(pairs ...string) (ops []history.Op) {
		for i := 0; i < len(pairs); i += 2 {
			ops = append(ops, history.Op{F: "echo", Client: "c1", Node: "n1", Outcome: history.OK, Value: jsontext.Value(pairs[i]), Result: jsontext.Value(pairs[i+1])})
		}
		return ops
	}
	checks := map[string]func(*history.History) ([]Problem, []Number){"echo": Echo, "unique": UniqueIDs}
	for _, c := range []struct {
		check string
		ops   []history.Op
		want  string
	}{
		{"echo", nil, "unknown nothing-checked"},
		{"echo", ops(`"a"`, `"a"`, `{"a":1,"b":2}`, `{ "b":2,"a":1}`, `12345678901234567890`, `12345678901234567890`), "pass"},
		{"echo", ops(`"a"`, `"b"`), "fail wrong-echo"},
		{"echo", ops(`12345678901234567890`, `12345678901234567891`), "fail wrong-echo"},
		{"echo", []history.Op{{F: "echo", Outcome: history.Indefinite}}, "unknown nothing-checked"},
		{"unique", nil, "unknown nothing-checked"},
		{"unique", ops(``, `1`, ``, `2`, ``, `"1"`, ``, `9007199254740992`, ``, `9007199254740993`), "pass"},
		{"unique", ops(``, `{"a":1,"b":1}`, ``, `{"b":1,"a":1}`), "fail duplicate-id"},
	} {
		problems, _ := checks[c.check](history.Of(c.ops...))
		if got := report(problems, nil); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %swant %s", c.check, got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	violation, unknown := Problem{Check: "a"}, Problem{Check: "b", Unknown: true}
	for _, c := range []struct {
		problems []Problem
		checked  bool
		want     Verdict
	}{
		{nil, true, Pass},
		{nil, false, Unknown},
		{[]Problem{unknown}, true, Unknown},
		{[]Problem{unknown, violation}, true, Fail},
		{[]Problem{violation}, false, Fail},
	} {
		if got := Judge(c.problems, c.checked); got != c.want {
			t.Errorf("%v, %v: %v, want %v", c.problems, c.checked, got, c.want)
		}
	}
	if Verdict(0) != Unknown {
		t.Error("a verdict passes by default")
	}
}

func TestIntegers(t *testing.T) {
	for text, want := range map[string]string{
		`[]`: "[] true", ` [ ] `: "[] true", `[1]`: "[1] true", ` [ 1 , -2,3 ] `: "[1 -2 3] true",
		`[1,"2"]`: "[] false", `[1.0,2e0]`: "[1 2] true", `[1.5]`: "[] false", `["a,b"]`: "[] false", `[[1]]`: "[] false", `{}`: "[] false", `[`: "[] false", `7`: "[] false",
		`null`: "[] false", `[99999999999999999999]`: "[] false",
	} {
		if all, ok := integers(jsontext.Value(text)); fmt.Sprint(all, ok) != want {
			t.Errorf("%s: %v %v", text, all, ok)
		}
	}
}

package eddytest

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A program that panics fails the test, with its seed and its stack, as one that returns an
// error does.
func TestCheckProgramPanics(t *testing.T) {
	c := checkingOf(t, func(*Process) error { panic("no disk") }, Test{Workload: "echo", Nodes: 1})
	text := c.describe(c.firstFailure(1, 1), 1)
	for _, want := range []string{"fail with seed 1", "its program panicked: no disk", "odd_test.go"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwant %q", text, want)
		}
	}
}

// A check that does something at random is not called the same each time.
func TestCheckSeesRandomChecks(t *testing.T) {
	calls := 0
	test := Test{Nodes: 1, Rate: 1, Time: time.Second, Own: func() Workload {
		calls++
		return moody{wrong: calls == 1}
	}}
	c := checkingOf(t, echo, test)
	if text, want := c.again(c.run(1)), "in 1 of 3 runs, although all messages were the same"; !strings.Contains(text, want) {
		t.Errorf("%s, want %q", text, want)
	}
}

// A moody workload asks for echoes, and finds them wrong as it pleases.
type moody struct{ wrong bool }

func (moody) Next(*rand.Rand) any { return `{"type":"echo","echo":1}` }
func (moody) Final() any          { return nil }

func (m moody) Check([]Op) []string {
	if m.wrong {
		return []string{"wrong"}
	}
	return nil
}

// The printed pattern matches the one test, whatever is in its name.
func TestPattern(t *testing.T) {
	got := shellWord(pattern("TestX/it's_[a]_(+1)"))
	if want := `'^TestX$/^it'\''s_\[a\]_\(\+1\)$'`; got != want {
		t.Errorf("the pattern is %s, want %s", got, want)
	}
}

// Programs see of a process what they need, and not what the test does to it.
func TestProcessMethods(t *testing.T) {
	var methods []string
	for m := range reflect.TypeFor[*Process]().Methods() {
		methods = append(methods, m.Name)
	}
	if got, want := strings.Join(methods, " "), "Dir Number Read Write"; got != want {
		t.Errorf("the methods are %s, want %s", got, want)
	}
}

package eddytest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/trial"
)

// A mistaken is a workload with a mistake.
type mistaken struct {
	next  func() any
	final func() any
	check func() []string
}

func (m mistaken) Next(*rand.Rand) any {
	if m.next != nil {
		return m.next()
	}
	return `{"type":"echo","echo":1}`
}

func (m mistaken) Final() any {
	if m.final != nil {
		return m.final()
	}
	return nil
}

func (m mistaken) Check([]Op) []string {
	if m.check != nil {
		return m.check()
	}
	return nil
}

// A mistake in a workload is said with the seed. It does not end the test program.
func TestMistakesInWorkloads(t *testing.T) {
	for name, test := range map[string]struct {
		workload mistaken
		want     string
	}{
		"Next panics":         {mistaken{next: func() any { panic("no more") }}, "unknown with seed 1: Next of the workload panicked: no more\n"},
		"Next returns nil":    {mistaken{next: func() any { return nil }}, "unknown with seed 1: Next of the workload returned nil"},
		"no JSON":             {mistaken{next: func() any { return "echo" }}, "unknown with seed 1: Next of the workload returned echo, which is no body of a request: "},
		"no type":             {mistaken{next: func() any { return map[string]any{"a": 1} }}, "body.type is missing"},
		"no value of JSON":    {mistaken{next: func() any { return make(chan bool) }}, "which is no body of a request: json: "},
		"Final panics":        {mistaken{final: func() any { panic("no end") }}, "Final of the workload panicked: no end\n"},
		"Check panics":        {mistaken{check: func() []string { panic("no idea") }}, "own-panic: Check of the workload panicked: no idea\n"},
		"an empty text":       {mistaken{check: func() []string { return []string{" "} }}, "own: Check of the workload returned an empty text\n"},
		"no handler of Final": {mistaken{final: func() any { return `{"type":"end"}` }}, "own-final: n1 has not served the final request: "},
	} {
		t.Run(name, func(t *testing.T) {
			c := checkingOf(t, echoOnly, Test{Nodes: 1, Rate: 5, Time: time.Second, Own: func() Workload { return test.workload }})
			r := c.firstFailure(1, 1)
			if r == nil {
				t.Fatal("it passes")
			}
			text := c.describe(r, 1)
			if !strings.Contains(text, test.want) || !strings.Contains(text, "-eddy.seed 1\n") {
				t.Errorf("%s\nwant %q", text, test.want)
			}
		})
	}
	made := func() Workload { panic("no workload") }
	c := checkingOf(t, echo, Test{Nodes: 1, Own: made})
	if text := c.describe(c.firstFailure(1, 1), 1); !strings.Contains(text, "the function Own of the workload panicked: no workload") {
		t.Error(text)
	}
}

// echoOnly is a node of package eddy, which replies to unknown requests with an error.
func echoOnly(p *Process) error {
	n := flooding(false)
	n.Handle("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return map[string]any{"echo": req.Body.Get("echo")}, nil
	})
	return n.Serve(p.Context, p)
}

const exitVariable = "EDDYTEST_EXIT"

// With -eddy.trace one can find the seed with which a node ends the whole test program.
func TestTrace(t *testing.T) {
	if os.Getenv(exitVariable) != "" {
		Check(t, func(p *Process) error {
			if p.Number() == firstNumber(3) {
				os.Exit(3)
			}
			return echo(p)
		}, Test{Workload: "echo", Nodes: 1, Rate: 1, Time: time.Second, Seeds: 10})
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTrace$", "-eddy.trace")
	cmd.Env = append(os.Environ(), exitVariable+"=1", "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("it passes:\n%s", out)
	}
	for seed := range 4 {
		text := fmt.Sprintf("eddytest: TestTrace, seed %d ", seed)
		if begun := strings.Contains(string(out), text+"begins\n"); begun != (seed > 0) {
			t.Errorf("seed %d has begun: %v\n%s", seed, begun, out)
		}
		if seed == 3 && strings.Contains(string(out), text+"has ended") {
			t.Errorf("%s", out)
		}
	}
	if !strings.Contains(string(out), "seed 1 has ended: pass, trace ") {
		t.Errorf("%s", out)
	}
}

// A flag that would try no seed, or others than it says, is refused.
func TestWrongSeeds(t *testing.T) {
	if os.Getenv(exitVariable) != "" {
		Check(t, echo, Test{Workload: "echo", Nodes: 1, Rate: 1, Time: time.Second})
		return
	}
	for arg, want := range map[string]string{"-eddy.seed=0": "-eddy.seed 0: the first seed is 1", "-eddy.seeds=-1": "-eddy.seeds -1 must not be negative"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWrongSeeds$", arg)
		cmd.Env = append(os.Environ(), exitVariable+"=1")
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s", arg, err, out)
		}
	}
}

// firstNumber returns the number of the first incarnation of the first node with a seed.
func firstNumber(seed uint64) uint64 {
	b := &bubble{cfg: new(trial.Config)}
	b.cfg.Network.Seed = seed
	return b.random(0, 1)
}

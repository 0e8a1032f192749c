package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
)

func TestAgain(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-w", "echo", "--bin", "./node"}, "eddy test -w echo --bin ./node --seed 7"},
		{[]string{"-w", "echo", "--seed", "3", "--test-count=5", "--bin", "a b", "--", "--seed", "1"}, "eddy test -w echo --bin 'a b' --seed 7 -- --seed 1"},
		{[]string{"--bin", "it's", "--nodes", "$(reboot)"}, `eddy test --bin 'it'\''s' --nodes '$(reboot)' --seed 7`},
		{[]string{"--nodes", "a\u202eb'\n", ""}, `eddy test --nodes $'a\U0000202eb\'\U0000000a' '' --seed 7`},
	} {
		r := &Results{Seed: 7, Command: Command{Args: c.args}}
		if got := r.Again(); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.args, got, c.want)
		}
	}
	r := &Results{Bin: trial.GoTest, Command: Command{Args: []string{"-run", "^TestX$", "-eddy.seed", "7"}}}
	if got, want := r.Again(), "go test -run '^TestX$' -eddy.seed 7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSentence(t *testing.T) {
	nodes := []string{"n1", "n2"}
	for _, c := range []struct {
		r    Results
		want string
	}{
		{Results{Verdict: "pass", Operations: Operations{OK: 1234, Indefinite: 1}}, "echo on 2 nodes passed: no violation in 1,235 operations"},
		{Results{Verdict: "pass", Operations: Operations{OK: 1}, Messages: map[string]int{"all": 9, "delivered": 6, "lost": 2, "killed": 1}, Faults: map[string]int{"kill n1": 1}},
			"echo on 2 nodes passed: no violation in 1 operation, despite 3 lost messages and 1 fault"},
		{Results{Verdict: "fail", Reasons: []Reason{{Check: "wrong-echo", Text: "c1 got x.\nIt asked for y."}, {Check: "exit"}}}, "echo on 2 nodes failed: a node returned another text than it was sent"},
		{Results{Verdict: "unknown", Reasons: []Reason{{Check: "too-many-errors", Text: "9 of 10 failed", Unknown: true}}}, "echo on 2 nodes could not be checked completely: 9 of 10 failed"},
		{Results{Verdict: "unknown"}, "echo on 2 nodes could not be checked"},
	} {
		c.r.Workload, c.r.Nodes = "echo", nodes
		if got := c.r.Sentence(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// The text begins with what is wrong. It has the problems of each check together, with their
// number, and explains the first of each.
func TestTextOfReasons(t *testing.T) {
	r := Results{Verdict: "fail", Workload: "echo", Nodes: []string{"n1"}, Seed: 7, Reasons: []Reason{
		{Check: "wrong-echo", Text: "c1 got x.\nIt asked for y.", Seconds: 1.5},
		{Check: "exit", Text: "n1 exited", Seconds: 2},
		{Check: "wrong-echo", Text: "c2 got z\nIt asked for y.", Seconds: 3, Count: 1000},
		{Check: "stopped", Text: "the test ended early", Seconds: 4, Unknown: true},
	}}
	want := `FAIL: a node returned another text than it was sent.  echo, 1 node, seed 7
  wrong-echo, 1,001 times:
      1.500s  c1 got x.
        It asked for y.
      3.000s  c2 got z
    what to do: Return the value of echo as it is, with all its characters and escapes, and keep the requests apart if the program has threads.
    2.000s  exit: n1 exited
    what to do: The last lines on its standard error are in the directory of the test.
    4.000s  stopped: the test ended early
`
	if got, _, _ := strings.Cut(r.Text(), "\noperations"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	kinds := []string{"wrong-echo, 1,001 times, first at 1.500 s", "exit, at 2.000 s", "stopped (not decided), at 4.000 s"}
	if got := r.Kinds(); !slices.Equal(got, kinds) {
		t.Errorf("%q", got)
	}
}

// The page of a test that repeats a case says so.
func TestPageOfACase(t *testing.T) {
	for _, c := range []struct {
		of   *Case
		want string
	}{
		{nil, ""},
		{&Case{Requests: 1, Fates: 2, Nodes: 3}, "This test repeats a case: 1 request, 0 faults, 2 lost or doubled messages and 3 nodes."},
		{&Case{Requests: 1, Fates: 2, Nodes: 3, Smallest: true}, "This test repeats the smallest case that was found: 1 request, 0 faults, 2 lost or doubled messages and 3 nodes."},
	} {
		page, err := (&Results{Case: c.of}).page("test", new(sim.Journal), new(history.History))
		if err != nil || page.Smallest != c.want {
			t.Errorf("got %q, %v, want %q", page.Smallest, err, c.want)
		}
	}
}

// The page of a stored test has the same lanes as that of the test itself.
func TestStoredPageHasSimulatedNodes(t *testing.T) {
	r := &Results{Nodes: []string{"n1", "n2"}, SimulatedNodes: []string{"n3", "n4"}}
	text, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := ParseResults(text)
	if err != nil {
		t.Fatal(err)
	}
	page, err := stored.page("test", new(sim.Journal), new(history.History))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"n1", "n2", "n3", "n4"}; !slices.Equal(page.Nodes, want) {
		t.Errorf("the lanes are %q, want %q", page.Nodes, want)
	}
}

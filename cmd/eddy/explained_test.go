package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/internal/report"
)

func init() {
	testNodes["set-tells-nobody"] = func() { testnode.BuggyReplicas["tells-nobody"](program.OS(), true) }
}

// explained runs a test that must fail, and returns its results. The text that it prints, its
// results.json and its page must say the same of the main reason.
func explained(t *testing.T, args ...string) *report.Results {
	t.Helper()
	r := explainedIfFound(t, args...)
	if r == nil {
		t.Fatalf("eddy test %q passes", args)
	}
	return r
}

// explainedIfFound is explained for a bug that a test may miss. Then it returns nil.
func explainedIfFound(t *testing.T, args ...string) *report.Results {
	t.Helper()
	running <- true
	defer func() { <-running }()
	store := t.TempDir()
	cmd := exec.Command("eddy", append([]string{"test", "--store", store}, args...)...)
	printed, err := cmd.Output()
	if err == nil {
		return nil
	}
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("eddy test %q: %v\n%s", args, err, printed)
	}
	dir := filepath.Join(store, "latest")
	r, err := report.ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	page, err := report.ReadPage(dir)
	if err != nil {
		t.Fatal(err)
	}
	if page.Reasons[0].Text != r.Reasons[0].Text {
		t.Errorf("the page says %q, results.json %q", page.Reasons[0].Text, r.Reasons[0].Text)
	}
	for line := range strings.Lines(r.Reasons[0].Text) {
		if !strings.Contains(string(printed), strings.TrimSuffix(line, "\n")) {
			t.Errorf("results.json has %q, but the text not:\n%s", line, printed)
		}
	}
	return r
}

// reasonOf returns the first reason of a check.
func reasonOf(t *testing.T, r *report.Results, check string) *report.Reason {
	t.Helper()
	i := slices.IndexFunc(r.Reasons, func(reason report.Reason) bool { return reason.Check == check })
	if i < 0 {
		t.Fatalf("no %s:\n%s", check, r.Text())
	}
	return &r.Reasons[i]
}

// A lost element is explained by its way: the messages that carried it, and what became of
// them.
func TestLostElementIsExplained(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	cases := []struct{ args, says, fate string }{
		{"-w broadcast --bin bug-broadcast-no-retry --loss 0.05", "was lost by the link, and it was not sent again", "lost"},
		{"-w broadcast --bin bug-broadcast-memory --nemesis kill --nemesis-interval 0.3", " was killed at ", ""},
		{"-w g-set --bin set-tells-nobody", "never sent it on", ""},
	}
	sideBySide(t, len(cases), func(t *testing.T, i int) {
		c := cases[i]
		r := explained(t, append(strings.Fields(c.args), "--node-count", "3", "--time-limit", "1.5", "--seed", "1")...)
		reason := reasonOf(t, r, "lost")
		if reason.Way == nil || !strings.Contains(reason.Text, c.says) || !strings.Contains(reason.Text, reason.Way.Text) {
			t.Fatalf("%s: %+v\n%s", c.args, reason.Way, reason.Text)
		}
		if len(reason.Way.Reached) == 0 {
			t.Errorf("%s: it got to no node: %+v", c.args, reason.Way)
		}
		for _, hop := range reason.Way.Lost {
			if !slices.Contains(reason.Involved, hop.Message) {
				t.Errorf("%s: message %d is not among the causes %v", c.args, hop.Message, reason.Involved)
			}
		}
		if c.fate != "" && (len(reason.Way.Lost) == 0 || reason.Way.Lost[0].Fate != c.fate) {
			t.Errorf("%s: %+v", c.args, reason.Way.Lost)
		}
	})
}

// A cycle of transactions is explained by the transactions and a sentence for each edge.
func TestCycleIsExplained(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	r := explained(t, "-w", "txn-list-append", "--bin", "lists-skewed", "--node-count", "1", "--concurrency", "8", "--rate", "400", "--time-limit", "1", "--seed", "1")
	cycles := 0
	for _, reason := range r.Reasons {
		if reason.Cycle == nil || len(reason.Cycle.Edges) == 0 {
			continue
		}
		cycles++
		for _, x := range reason.Cycle.Transactions {
			if x.Operation.Message < 0 || !strings.Contains(reason.Text, x.Operation.Text) {
				t.Errorf("%+v is not in %s", x, reason.Text)
			}
		}
		for _, e := range reason.Cycle.Edges {
			if !strings.Contains(reason.Text, e.Text) {
				t.Errorf("%+v is not in %s", e, reason.Text)
			}
		}
	}
	if cycles == 0 {
		t.Errorf("no cycle:\n%s", r.Text())
	}
}

// A key that is not linearizable is explained by what would have been right, and a value that
// only an operation wrote that definitely failed is named.
func TestRegisterIsExplained(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	// The bug is rare, and not every value that it leaves is read.
	for seed := 1; seed <= 10; seed++ {
		r := explainedIfFound(t, "-w", "lin-kv", "--bin", "bug-lin-kv-done-but-11", "--node-count", "3", "--time-limit", "3", "--seed", fmt.Sprint(seed))
		if r != nil && namesRefusedWrite(t, r) {
			return
		}
	}
	t.Error("no value is named that came only from an operation that did not happen")
}

// namesRefusedWrite checks the explanations of keys, and reports whether one names a value
// that came only from an operation that was answered with "it did not happen".
func namesRefusedWrite(t *testing.T, r *report.Results) (refused bool) {
	t.Helper()
	for _, reason := range r.Reasons {
		x := reason.Register
		if reason.Check != "not-linearizable" {
			continue
		}
		first := x != nil && len(x.Before) == 0 && x.Earlier == 0 // of its key
		if x == nil || x.Operation.Message < 0 || len(x.Legal) == 0 || len(x.Order) == 0 && !first {
			t.Errorf("%+v\n%s", x, reason.Text)
			continue
		}
		if strings.Contains(x.Source, `comes only from an operation that was answered with "it did not happen"`) {
			refused = len(x.Origins) > 0 && x.Origins[0].Outcome == "fail" && strings.Contains(reason.Text, x.Source)
		}
	}
	return refused
}

// A broadcast's cost is explained by what the messages between nodes were for.
func TestBroadcastTrafficIsExplained(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	running <- true
	defer func() { <-running }()
	store := t.TempDir()
	printed, err := exec.Command("eddy", "test", "--store", store, "-w", "broadcast", "--bin", "bug-broadcast-none",
		"--node-count", "3", "--latency", "30", "--time-limit", "1.5", "--seed", "1").Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	r, err := report.ReadResults(filepath.Join(store, "latest"))
	if err != nil {
		t.Fatal(err)
	}
	if per, ok := r.Numbers["messages per operation"].(float64); !ok || per < 1 {
		t.Errorf("messages per operation: %v", r.Numbers["messages per operation"])
	}
	for name, says := range map[string]string{
		"messages per broadcast": "at best 2: ", "messages by type": "gossip_ok ", "messages by link": "n1→n2 ",
		"slowest value": "the two nodes farthest apart in the topology need at least ",
	} {
		number, _ := r.Numbers[name].(map[string]any)
		text, _ := number["text"].(string)
		if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(text, says) || !strings.Contains(string(printed), first) {
			t.Errorf("%s is %q, and the text\n%s", name, text, printed)
		}
	}
	cost := r.Numbers["messages per broadcast"].(map[string]any)
	if repeated := cost["repeated"].(float64); repeated == 0 { // the node sends again after 20 ms what takes 60 ms to be acknowledged
		t.Errorf("no message was sent again: %v", cost)
	}
}

package report

import (
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/trial"
)

// Whoever reads a report learns what each check of workload relay means and what to do, and
// what to do about each violation.
func TestAdviceIsComplete(t *testing.T) {
	r := Results{Workload: "relay"}
	for _, check := range checker.RelayChecks {
		a := r.adviceFor(&Reason{Check: check.Name})
		if strings.HasSuffix(check.Doc, "(unknown)") {
			continue
		}
		if a.says == "" || !strings.HasSuffix(a.do, ".") {
			t.Errorf("%s: %+v", check.Name, a)
		}
	}
	r.Workload = "echo"
	for _, v := range trial.ViolationKinds {
		if r.adviceFor(&Reason{Check: v.Kind}).do == "" {
			t.Errorf("%s has no advice", v.Kind)
		}
	}
}

// The same for the checks of the other workloads.
func TestAdviceOfWorkloads(t *testing.T) {
	type checks = []struct{ Name, Doc string }
	for workload, all := range map[string]checks{
		"echo":       {{"wrong-echo", ""}},
		"unique-ids": {{"duplicate-id", ""}},
		"broadcast":  checker.BroadcastChecks,
		"g-set":      checker.GSetChecks,
		"g-counter":  checker.CounterChecks,
		"pn-counter": checker.CounterChecks,
		"lin-kv":     {{"not-linearizable", ""}},
		"kafka":      checker.KafkaChecks,
		"txn-list-append": {{"G1a", ""}, {"G1b", ""}, {"internal", ""}, {"dirty-update", ""}, {"incompatible-order", ""},
			{"duplicate-elements", ""}, {"unwritten-read", ""}, {"lost-write", ""}, {"lost-update", ""}},
		"txn-rw-register": {{"cyclic-versions", ""}, {"future-read", ""}},
	} {
		r := Results{Workload: workload}
		for _, check := range all {
			a := r.adviceFor(&Reason{Check: check.Name})
			if !strings.HasSuffix(check.Doc, "(unknown)") && (a.says == "" || strings.HasSuffix(a.says, ".") || !strings.HasSuffix(a.do, ".")) {
				t.Errorf("%s of %s: %+v", check.Name, workload, a)
			}
		}
	}
	r := Results{Workload: "txn-rw-register"}
	if a := r.adviceFor(&Reason{Check: "G-single-item-realtime"}); a.says != "" || a.do != inOneStep {
		t.Errorf("a cycle: %+v", a)
	}
}

// What is to be done is said once, although several kinds of problems need it.
func TestAdviceIsSaidOnce(t *testing.T) {
	r := Results{Verdict: "fail", Workload: "txn-rw-register", Reasons: []Reason{{Check: "G0"}, {Check: "internal"}, {Check: "G1c-realtime"}}}
	if a := r.Advice(); a[0] != inOneStep || a[1] == "" || a[2] != "" {
		t.Errorf("%q", a)
	}
	if n := strings.Count(r.Text(), inOneStep); n != 1 {
		t.Errorf("the text says it %d times\n%s", n, r.Text())
	}
}

// If a node has sent something else than a reply, that is why its clients got none.
func TestAdviceAboutMissingReplies(t *testing.T) {
	missing := Reason{Check: "no-reply", Text: "n0 sent no reply to c1's echo"}
	for _, c := range []struct {
		r          Results
		says, does string
	}{
		{Results{}, "n0 sent no reply to c1's echo", "flushed"},
		{Results{Reasons: []Reason{{Check: "unsolicited"}}}, "clients got messages without in_reply_to, which are no replies", "Set in_reply_to"},
		{Results{Reasons: []Reason{{Check: "unrequested-reply"}}}, "clients got replies to other messages than their requests", "Set in_reply_to"},
		{Results{Reasons: []Reason{{Check: "unsolicited"}}, Operations: Operations{OK: 1}}, "n0 sent no reply to c1's echo", "flushed"},
		{Results{Warnings: []*trial.Violation{{Kind: "unrequested-node-reply"}}}, "nodes sent replies to nodes that had requested nothing, and clients got none", "The dest of a reply"},
	} {
		c.r.Workload, c.r.Verdict, c.r.Reasons = "echo", "fail", append([]Reason{missing}, c.r.Reasons...)
		if got := c.r.Headline(); got != c.says {
			t.Errorf("the headline is %q, want %q", got, c.says)
		}
		if got := c.r.Advice()[0]; !strings.Contains(got, c.does) {
			t.Errorf("the advice is %q, want %q", got, c.does)
		}
	}
}

// The headline of a node that ended has the line of its standard error that follows.
func TestHeadlineOfTwoLines(t *testing.T) {
	r := Results{Verdict: "fail", Workload: "echo", Reasons: []Reason{{Check: "exit", Text: "n1 ended by itself: exit status 2; on stderr:\n    panic: no\n    main.go:7"}}}
	if got, want := r.Headline(), "n1 ended by itself: exit status 2; on stderr: panic: no"; got != want {
		t.Errorf("the headline is %q, want %q", got, want)
	}
}

func TestAdviceAboutLateReplies(t *testing.T) {
	r := Results{Verdict: "fail", Workload: "relay", Reasons: []Reason{{Check: "reply-lost", Text: "n2's relay: an error"}}}
	if got, want := r.Headline(), "a relay reported a failure although it had a reply"; got != want {
		t.Errorf("the headline is %q, want %q", got, want)
	}
	if got := r.Advice()[0]; !strings.Contains(got, "--call-late ignore") {
		t.Errorf("the advice is %q", got)
	}
	r.Command.Args = []string{"--call-late", "ignore"}
	if got := r.Advice()[0]; strings.Contains(got, "--call-late ignore") {
		t.Errorf("the advice is to do what was done: %q", got)
	}
	r.Reasons[0].Unknown = true
	if got := r.Advice()[0]; got != "" {
		t.Errorf("the advice about what could not be decided is %q", got)
	}
}

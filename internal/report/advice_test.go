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

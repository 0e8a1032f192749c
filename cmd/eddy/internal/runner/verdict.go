package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// nothingChecked is the check that fails if a workload had nothing to check.
const nothingChecked = "nothing-checked"

// Judge returns the test's verdict and the reasons for it, the main reason first. It
// runs the workload's checks, which may take some time.
func (res *Result) Judge(cfg *Config) (checker.Verdict, []checker.Problem) {
	problems, numbers := res.check()
	res.Numbers, res.Elapsed = numbers, time.Since(res.start)
	nothing := func(p checker.Problem) bool { return p.Check == nothingChecked }
	if res.Stopped != "" {
		problems = slices.DeleteFunc(problems, nothing) // because the test ended early
	}
	problems = append(problems, res.protocolProblems(cfg.Sick)...)
	ok, ended := 0, res.History.Len()
	for op := range res.History.All() {
		if op.Outcome == history.OK {
			ok++
		}
	}
	unknown := func(check, format string, args ...any) {
		problems = append(problems, checker.Problem{Check: check, Text: fmt.Sprintf(format, args...), At: res.Elapsed, Unknown: true})
	}
	switch {
	case res.Stopped != "":
		unknown("stopped", "the test ended early: %s", res.Stopped)
	case ok == 0 && !slices.ContainsFunc(problems, nothing):
		unknown("nothing-ok", "none of %d operations ended ok, so nothing was tested", ended)
	case float64(ok) < cfg.Availability*float64(ended):
		problems = append(problems, checker.Problem{Check: "low-availability", At: res.Elapsed,
			Text: fmt.Sprintf("%d of %d operations ended ok, which is less than %v", ok, ended, cfg.Availability)})
	}
	checker.Sort(problems)
	return checker.Judge(problems, ok > 0), problems
}

// protocolProblems returns the violations and warnings that are reasons for the
// verdict: the first of each kind and node.
func (res *Result) protocolProblems(sick Sick) (problems []checker.Problem) {
	reported := map[nodeKind]bool{}
	for _, v := range res.Violations {
		key := nodeKind{v.Node, v.Kind}
		if reported[key] || sick == SickReport && isProtocol(v.Kind) {
			continue
		}
		reported[key] = true
		problems = append(problems, v.problem(sick))
	}
	if sick == SickFail {
		for _, v := range res.Warnings {
			problems = append(problems, v.problem(sick))
		}
	}
	return problems
}

// problem returns the violation as a reason for the verdict.
func (v *Violation) problem(sick Sick) checker.Problem {
	text := fmt.Sprintf("%s %s", v.Node, v.Text)
	if v.Line > 0 {
		text = fmt.Sprintf("%s, line %d, %d bytes: %s: %s", v.Node, v.Line, v.Bytes, v.Text, v.Quote)
	} else if v.Quote != "" {
		text += ": " + v.Quote
	}
	if v.Count > 1 {
		text += fmt.Sprintf(" (%d times)", v.Count)
	}
	return checker.Problem{
		Check: v.Kind, Text: text, At: v.At, Record: v.Message + 1, Protocol: isProtocol(v.Kind), Count: v.Count,
		Unknown: sick == SickUnknown || v.Kind == "no-init" || v.Kind == "unread-input",
	}
}

package trial

import (
	"errors"
	"fmt"
	"slices"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// nothingChecked is the check that fails if a workload had nothing to check.
const nothingChecked = "nothing-checked"

// Judge returns the test's verdict and the reasons for it, the main reason first, and sets
// Numbers. It runs the workload's checks, which may take some time.
func (res *Result) Judge(cfg *Config) (checker.Verdict, []checker.Problem) {
	return res.judge(cfg, true)
}

// Verdict is Judge without the numbers, for one test of many.
func (res *Result) Verdict(cfg *Config) (checker.Verdict, []checker.Problem) {
	return res.judge(cfg, false)
}

func (res *Result) judge(cfg *Config, numbers bool) (checker.Verdict, []checker.Problem) {
	var problems []checker.Problem
	err := Guard(func() error {
		if !res.Unchecked {
			problems, res.Numbers = res.check(numbers)
		}
		return nil
	})
	if errors.As(err, &res.Crash) && res.Stopped == "" {
		res.Stopped = err.Error()
	}
	if res.Stopped != "" { // that is why nothing was checked
		problems = slices.DeleteFunc(problems, func(p checker.Problem) bool { return p.Check == nothingChecked })
	}
	problems = append(problems, res.protocolProblems(cfg.Sick)...)
	ok, served, ended := 0, 0, res.History.Operations()
	for op := range res.History.All() {
		outcome, _ := op.Seen()
		switch {
		case op.Again:
		case outcome == history.OK:
			ok++
			served++
		case outcome == history.Fail && res.isResult(op):
			served++
		}
	}
	main := res.tested()
	unknown := func(check, format string, args ...any) {
		problems = append(problems, checker.Problem{Check: check, Text: fmt.Sprintf(format, args...), At: res.Elapsed, Unknown: true})
	}
	switch {
	case res.Crash != nil:
		unknown("eddy-failed", "%v", res.Crash)
	case res.Unchecked:
		unknown("stopped", "interrupted while eddy checked the operations, so nobody knows whether they are right")
	case res.Stopped != "":
		unknown("stopped", "the test ended early: %s", res.Stopped)
	case float64(served) < cfg.Availability*float64(ended):
		problems = append(problems, checker.Problem{Check: "low-availability", At: res.Elapsed,
			Text: fmt.Sprintf("%d of %d operations were served, which is less than %v", served, ended, cfg.Availability)})
	}
	if little, so := main.tooLittle(cfg); so && res.Stopped == "" && !res.Unchecked && checker.Judge(problems, true) == checker.Pass {
		little.At = res.Elapsed
		problems = append(problems, little)
	}
	checker.Sort(problems)
	verdict := checker.Judge(problems, ok > 0)
	if numbers && verdict == checker.Pass {
		res.Numbers = append(res.Numbers, checker.Number{Name: "tested", Value: main.strength(cfg, res.hadFaults())})
	}
	return verdict, problems
}

// isResult reports whether an error is a result, as 20 and 22 are in lin-kv.
func (res *Result) isResult(op *history.Op) bool {
	reader, ok := res.load.(workload.ErrorReader)
	return ok && reader.IsResult(op)
}

// protocolProblems returns the violations and warnings that are reasons for the
// verdict: the first of each kind and node.
func (res *Result) protocolProblems(sick Sick) (problems []checker.Problem) {
	reported := map[nodeKind]bool{}
	for _, v := range res.Violations {
		key := nodeKind{v.Node, v.Kind}
		if reported[key] || sick == SickIgnore || sick == SickReport && isProtocol(v.Kind) {
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

// hadFaults reports whether a fault touched the test: one that was injected, or a message
// that was lost.
func (res *Result) hadFaults() bool {
	for _, e := range res.Journal.Events() {
		if e.Begun != nil {
			return true
		}
	}
	for m := range res.Journal.All() {
		if m.Fate == sim.LostByLink {
			return true
		}
	}
	return false
}

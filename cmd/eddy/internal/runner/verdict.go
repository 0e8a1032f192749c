package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// nothingChecked is the check that fails if a workload had nothing to check.
const nothingChecked = "nothing-checked"

// Judge returns the test's verdict and the reasons for it, the main reason first. It
// runs the workload's checks, which may take some time. If lenient is set, violations
// make the verdict unknown instead of fail.
func (res *Result) Judge(cfg *Config, lenient bool) (checker.Verdict, []checker.Problem) {
	problems, numbers := res.check()
	res.Numbers, res.Elapsed = numbers, time.Since(res.start)
	if res.Stopped != "" { // that is why nothing was checked
		problems = slices.DeleteFunc(problems, func(p checker.Problem) bool { return p.Check == nothingChecked })
	}
	reported := map[string]bool{} // only the first of each kind and node is a reason
	for _, v := range res.Violations {
		if key := v.Node + " " + v.Kind; !reported[key] {
			reported[key] = true
			problems = append(problems, v.problem(lenient))
		}
	}
	ok, ended := 0, res.History.Len()
	for op := range res.History.All() {
		if op.Outcome == history.OK {
			ok++
		}
	}
	main := res.tested()
	unknown := func(check, format string, args ...any) {
		problems = append(problems, checker.Problem{Check: check, Text: fmt.Sprintf(format, args...), At: res.Elapsed, Unknown: true})
	}
	switch {
	case res.Stopped != "":
		unknown("stopped", "the test ended early: %s", res.Stopped)
	case float64(ok) < cfg.Availability*float64(ended):
		problems = append(problems, checker.Problem{Check: "low-availability", At: res.Elapsed,
			Text: fmt.Sprintf("%d of %d operations ended ok, which is less than %v", ok, ended, cfg.Availability)})
	}
	if little, so := main.tooLittle(cfg); so && res.Stopped == "" && checker.Judge(problems, true) == checker.Pass {
		little.At = res.Elapsed
		problems = append(problems, little)
	}
	checker.Sort(problems)
	verdict := checker.Judge(problems, ok > 0)
	if verdict == checker.Pass {
		res.Numbers = append(res.Numbers, checker.Number{Name: "tested", Value: main.strength(cfg, res.hadFaults())})
	}
	return verdict, problems
}

// problem returns the violation as a reason for the verdict.
func (v *Violation) problem(lenient bool) checker.Problem {
	text := fmt.Sprintf("%s %s", v.Node, v.Text)
	if v.Line > 0 {
		text = fmt.Sprintf("%s, line %d, %d bytes: %s: %s", v.Node, v.Line, v.Bytes, v.Text, v.Quote)
	} else if v.Quote != "" {
		text += ": " + v.Quote
	}
	if v.Count > 1 {
		text += fmt.Sprintf(" (%d times)", v.Count)
	}
	return checker.Problem{Check: v.Kind, Text: text, At: v.At,
		Unknown: lenient || v.Kind == "no-init" || v.Kind == "unread-input"}
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

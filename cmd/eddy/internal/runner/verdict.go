package runner

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/workload"
)

// nothingChecked is the check that fails if a workload had nothing to check.
const nothingChecked = "nothing-checked"

// Judge returns the test's verdict and the reasons for it, the main reason first. It
// runs the workload's checks, which may take some time. If lenient is set, violations
// make the verdict unknown instead of fail.
func (res *Result) Judge(cfg *Config, lenient bool) (checker.Verdict, []checker.Problem) {
	var problems []checker.Problem
	err := guard(func() error {
		problems, res.Numbers = res.check()
		return nil
	})
	if errors.As(err, &res.Crash) && res.Stopped == "" {
		res.Stopped = err.Error()
	}
	res.Elapsed = time.Since(res.start)
	nothing := func(p checker.Problem) bool { return p.Check == nothingChecked }
	if res.Stopped != "" {
		problems = slices.DeleteFunc(problems, nothing) // because the test ended early
	}
	reported := map[string]bool{} // only the first of each kind and node is a reason
	for _, v := range res.Violations {
		if key := v.Node + " " + v.Kind; !reported[key] {
			reported[key] = true
			problems = append(problems, v.problem(lenient))
		}
	}
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
	unknown := func(check, format string, args ...any) {
		problems = append(problems, checker.Problem{Check: check, Text: fmt.Sprintf(format, args...), At: res.Elapsed, Unknown: true})
	}
	switch {
	case res.Crash != nil:
		unknown("eddy-failed", "%v", res.Crash)
	case res.Stopped != "":
		unknown("stopped", "the test ended early: %s", res.Stopped)
	case ok == 0 && !slices.ContainsFunc(problems, nothing):
		unknown("nothing-ok", "none of %d operations ended ok, so nothing was tested", ended)
	case float64(served) < cfg.Availability*float64(ended):
		problems = append(problems, checker.Problem{Check: "low-availability", At: res.Elapsed,
			Text: fmt.Sprintf("%d of %d operations were served, which is less than %v", served, ended, cfg.Availability)})
	}
	checker.Sort(problems)
	return checker.Judge(problems, ok > 0), problems
}

// isResult reports whether an error is a result, as 20 and 22 are in lin-kv.
func (res *Result) isResult(op *history.Op) bool {
	reader, ok := res.load.(workload.ErrorReader)
	return ok && reader.IsResult(op)
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

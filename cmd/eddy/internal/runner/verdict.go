package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

// nothingChecked is the problem of a workload's checks that had nothing to judge.
const nothingChecked = "nothing-checked"

// Judge is the test's verdict and all reasons for it, the first one first. It
// runs the workload's checks, which may take a while. With lenient, sick nodes are
// told of and the verdict is unknown instead of fail.
func (res *Result) Judge(cfg *Config, lenient bool) (checker.Verdict, []checker.Problem) {
	problems, numbers := res.check()
	res.Numbers, res.Elapsed = numbers, time.Since(res.start)
	nothing := func(p checker.Problem) bool { return p.Check == nothingChecked }
	if res.Stopped != "" {
		problems = slices.DeleteFunc(problems, nothing) // that is why
	}
	told := map[string]bool{} // the first of each kind and node speaks for all
	for _, s := range res.Sick {
		if key := s.Node + " " + s.Kind; !told[key] {
			told[key] = true
			problems = append(problems, s.problem(lenient))
		}
	}
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
		unknown("nothing-ok", "not one of %d operations was answered well, so nothing was tested", ended)
	case float64(ok) < cfg.Availability*float64(ended):
		problems = append(problems, checker.Problem{Check: "low-availability", At: res.Elapsed,
			Text: fmt.Sprintf("%d of %d operations ended ok, which is less than %v", ok, ended, cfg.Availability)})
	}
	checker.Sort(problems)
	return checker.Judge(problems, ok > 0), problems
}

// problem is a sickness as a reason for the verdict.
func (s *Sickness) problem(lenient bool) checker.Problem {
	text := fmt.Sprintf("%s %s", s.Node, s.Text)
	if s.Line > 0 {
		text = fmt.Sprintf("%s, line %d, %d bytes: %s: %s", s.Node, s.Line, s.Bytes, s.Text, s.Quote)
	} else if s.Quote != "" {
		text += ": " + s.Quote
	}
	if s.Count > 1 {
		text += fmt.Sprintf(" (%d times)", s.Count)
	}
	return checker.Problem{Check: s.Kind, Text: text, At: s.At,
		Unknown: lenient || s.Kind == "no-init" || s.Kind == "unread-input"}
}

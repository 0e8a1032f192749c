package trial

import (
	"fmt"
	"strconv"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
)

// A tested counts the operations of the main phase. Those of the final phase do not
// count: they are so few, and so quiet, that they test almost nothing.
type tested struct {
	ok    int
	asked int // without errors that are expected; 11 counts, because a node that replies with it has done nothing
}

// tested counts the operations of the main phase.
func (t *Trial) tested() (sum tested) {
	for i := t.mainFirst; i < t.mainEnd; i++ {
		op := t.history.At(i)
		outcome, to := op.Seen()
		switch {
		case op.Again:
		case outcome == history.OK && to > t.mainEnded: // the faults had ended
		case outcome == history.OK:
			sum.ok++
			sum.asked++
		case !op.IsErrorReply() || op.Code == temporarilyUnavailable || !t.load.ExpectsError(&op):
			sum.asked++
		}
	}
	return sum
}

// tooLittle returns the reason why so little was tested that no verdict but fail has a
// meaning, or false.
func (t tested) tooLittle(cfg *Config) (checker.Problem, bool) {
	least := cfg.Spec.LeastOK(len(cfg.Nodes))
	switch {
	case t.asked == 0 && t.ok == 0:
		return checker.Problem{Check: "nothing-ok", Unknown: true, Text: "no operation of the main phase has a result, so nothing was tested"}, true
	case t.ok == 0:
		return checker.Problem{Check: "nothing-ok", Unknown: true,
			Text: fmt.Sprintf("none of %d operations of the main phase ended ok, so nothing was tested", t.asked)}, true
	case float64(t.ok) < least*float64(t.asked):
		return checker.Problem{Check: "too-few-ok", Unknown: true,
			Text: fmt.Sprintf("%d of %d operations of the main phase ended ok, less than %.0f %%, so too little was tested", t.ok, t.asked, 100*least)}, true
	}
	return checker.Problem{}, false
}

// fewOperations is how many operations find a bug in one of 500 with 95 %.
const fewOperations = 1500

// strength says how much a test that passed has tested, and which flags make it
// stronger. If a bug shows in one of n operations, three times n operations show it with
// 95 %.
func (t tested) strength(cfg *Config, faults bool) string {
	text := fmt.Sprintf("%s operations of %d clients", thousands(t.ok), cfg.Concurrency)
	if t.ok >= 6 {
		text += fmt.Sprintf(": a bug in 1 of %s would have shown with 95 %%", thousands(t.ok/3))
	}
	if t.ok < fewOperations {
		text += "; a higher --rate, --concurrency or --time-limit tests more"
	}
	if !faults && !cfg.Spec.Independent {
		text += "; no faults: see --nemesis and --loss"
	}
	return text
}

// thousands writes a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

package checker

import (
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
)

const (
	// errorsAllowed is the share of operations that may be answered with an
	// error that nothing explains before a test is worth nothing: what the
	// errors hide was not tested.
	errorsAllowed = 0.1

	// errorsFatal is the share from which on nodes are not what they are said
	// to be.
	errorsFatal = 0.8

	// leastErrors is how many there must be: one in five is no share.
	leastErrors = 3

	// leastFatal is how many there must be for a fail.
	leastFatal = 10
)

// Errors looks at the operations that were answered with an error for no reason:
// those that are not expected, and were not excused by what was wrong while they
// were open. Above a tenth of all that were answered they make the verdict
// unknown, above four fifths fail.
func Errors(h *history.History, expected func(*history.Op) bool, excused func(from, to time.Duration) bool) []Problem {
	answered, errors := 0, 0
	var first *history.Op
	for op := range h.All() {
		isError := op.IsErrorReply()
		if op.Outcome != history.OK && !isError || isError && expected(op) || excused(op.From, op.To) {
			continue
		}
		answered++
		if isError {
			if errors++; first == nil {
				first = op
			}
		}
	}
	share := float64(errors) / float64(max(1, answered))
	if errors < leastErrors || share <= errorsAllowed {
		return nil
	}
	var found findings
	found.add("errors", first.To, -1, "%d of %d operations were answered with an error although nothing was wrong; the first, %v: %s",
		errors, answered, first, first.Error)
	found.list[0].Unknown = share <= errorsFatal || errors < leastFatal
	return found.problems()
}

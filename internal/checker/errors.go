package checker

import (
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

const (
	// maxErrors is the share of unexplained error replies above which the verdict
	// is unknown, because too little was tested.
	maxErrors = 0.1

	// failErrors is the share above which the verdict is fail.
	failErrors = 0.8

	// minErrors is the least number of errors that counts: the share of one error
	// in five operations means nothing.
	minErrors = 3

	// minFailErrors is the least number of errors for the verdict fail.
	minFailErrors = 10
)

// Errors checks the share of operations with an unexplained error reply: one that
// is not expected, and that no fault during the operation excuses. Above maxErrors
// the verdict is unknown, above failErrors it is fail.
func Errors(h *history.History, expected func(*history.Op) bool, excused func(from, to time.Duration) bool) []Problem {
	replied, errors := 0, 0
	var first *history.Op
	for op := range h.All() {
		isError := op.IsErrorReply()
		if op.Again || op.Outcome != history.OK && !isError || isError && expected(op) || excused(op.From, op.To) {
			continue
		}
		replied++
		if isError {
			if errors++; first == nil {
				first = op
			}
		}
	}
	share := float64(errors) / float64(max(1, replied))
	if errors < minErrors || share <= maxErrors {
		return nil
	}
	var found findings
	found.add("too-many-errors", first.To, -1, "%d of %d operations got an error reply that no fault explains; the first: %v: %s",
		errors, replied, first, first.Error)
	found.list[0].Unknown = share <= failErrors || errors < minFailErrors
	return found.problems()
}

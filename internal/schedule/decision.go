package schedule

import (
	"fmt"
	"time"
)

// A Decision is what a Schedule decides.
type Decision struct {
	Action Action
	// Until is when the owner must call Due, unless something else happens before;
	// Never if there is no such time. It is set for Send (the deadline), Wait and
	// Pause.
	Until time.Duration
	// Reason is why there is no further attempt. It is set for GiveUp, and for Wait
	// if there will be no further attempt.
	Reason Reason
}

// An Action is what a call does next.
type Action uint8

const (
	GiveUp Action = iota // the call fails
	Send                 // the call sends an attempt now
	Wait                 // the call waits for replies
	Pause                // the call sends an attempt later, and accepts replies until then
	Settle               // the call has its reply
)

// String returns the action in words.
func (a Action) String() string {
	return text("action", int(a), []string{"give up", "send", "wait", "pause", "settle"})
}

// A Reason is why a call has no further attempt.
type Reason uint8

const (
	NoReason        Reason = iota
	AttemptsUsedUp         // all attempts of the policy were sent
	DeadlinePassed         // the deadline has passed, or the next attempt would begin after it
	BudgetExhausted        // the budget refused a retry
	ErrorNotRetried        // the policy does not retry the error reply that the call received
	BreakerOpen            // the circuit breaker refused an attempt
	Vetoed                 // a hook refused an attempt
)

// String returns the reason in words, and "" for NoReason.
func (r Reason) String() string {
	return text("reason", int(r), []string{"", "attempts used up", "deadline passed", "retry refused by the budget", "error not retried", "attempt refused by the circuit breaker", "attempt vetoed by a hook"})
}

// text is the text of value i, or its number if it has none.
func text(kind string, i int, texts []string) string {
	if i < len(texts) {
		return texts[i]
	}
	return fmt.Sprintf("%s %d", kind, i)
}

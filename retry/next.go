package retry

import "time"

// A Step is what a call does next.
type Step uint8

const (
	GiveUp    Step = iota // it has failed
	SendAgain             // it makes one more attempt, now
	Wait                  // it waits for replies
	Pause                 // it makes one more attempt, but later; replies count meanwhile
	Settle                // it has its reply
)

func (s Step) String() string {
	return [...]string{"give up", "send again", "wait", "pause", "settle"}[s]
}

// A Reason is why a call has no further attempt.
type Reason uint8

const (
	NoReason       Reason = iota
	UsedUp                // its attempts are used up
	DeadlinePassed        // its deadline has passed, or the next attempt would not begin before it
	OverBudget            // the budget refused a retry
	Answered              // an error reply that is not to be retried has settled it
)

func (r Reason) String() string {
	return [...]string{"", "attempts used up", "deadline passed", "retry refused by the budget", "answered with an error"}[r]
}

// A Next is what a Schedule answers.
type Next struct {
	Step Step
	// Until is when the call wants to be Due, if nothing happens before; Never if
	// at no time. It holds for SendAgain (a deadline), Wait and Pause.
	Until time.Duration
	// Reason is why there is no further attempt; of GiveUp, and of a Wait that
	// is the last.
	Reason Reason
}

// Never is a time that does not come.
const Never = forever

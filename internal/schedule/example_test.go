package schedule_test

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// A call whose attempts all time out. The owner of the call keeps the clock: here, time
// passes only until the decision decision is due.
func Example() {
	policy := &retry.Policy{Attempts: 2, Backoff: retry.Backoff{Kind: retry.Constant, Base: 100 * time.Millisecond}}
	var call schedule.Schedule
	var now time.Duration
	decision := call.Begin(policy, schedule.Start{Now: now})
	for decision.Action != schedule.GiveUp {
		fmt.Printf("%v: %v", now, decision.Action)
		if decision.Action == schedule.Send {
			fmt.Println()
			decision = call.Written(now) // the message is out: its timeout begins
			continue
		}
		fmt.Println(" until", decision.Until)
		now = decision.Until
		decision = call.Due(now)
	}
	fmt.Printf("%v: %v, %v\n", now, decision.Action, decision.Reason)
	// Output:
	// 0s: send
	// 0s: wait until 500ms
	// 500ms: pause until 600ms
	// 600ms: send
	// 600ms: wait until 1.1s
	// 1.1s: give up, attempts used up
}

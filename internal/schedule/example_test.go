package schedule_test

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// A call that meets silence, step by step. Whoever owns it keeps the clock: here time
// passes only where the schedule says until when.
func Example() {
	policy := &retry.Policy{Attempts: 2, Backoff: retry.Backoff{Kind: retry.Constant, Base: 100 * time.Millisecond}}
	var call schedule.Schedule
	var now time.Duration
	var next schedule.Decision = call.Begin(policy, schedule.Start{Now: now})
	for next.Action != schedule.GiveUp {
		fmt.Printf("%v: %v", now, next.Action)
		if next.Action == schedule.Send {
			fmt.Println()
			next = call.Written(now) // the message is out: its timeout begins
			continue
		}
		fmt.Println(" until", next.Until)
		now = next.Until
		next = call.Due(now)
	}
	fmt.Printf("%v: %v, %v\n", now, next.Action, next.Reason)
	// Output:
	// 0s: send
	// 0s: wait until 500ms
	// 500ms: pause until 600ms
	// 600ms: send
	// 600ms: wait until 1.1s
	// 1.1s: give up, attempts used up
}

// Pauses double, up to the cap; jitter keeps calls that failed together apart.
func ExampleDrawPause() {
	plain := retry.Backoff{Kind: retry.Exponential, Base: 100 * time.Millisecond, Cap: time.Second}
	spread := plain
	spread.Jitter = retry.PlusMinus(0.2)
	const random = 42 << 50 // whoever asks brings the chance along
	var before time.Duration
	for n := 1; n <= 5; n++ {
		before = schedule.DrawPause(plain, n, before, random)
		fmt.Println(before, schedule.DrawPause(spread, n, before, random).Round(time.Millisecond))
	}
	// Output:
	// 100ms 80ms
	// 200ms 160ms
	// 400ms 320ms
	// 800ms 641ms
	// 1s 801ms
}

// A timeout that follows the round trips to a destination.
func ExampleEstimator() {
	var e schedule.Estimator
	bounds := retry.Adaptive{Min: 5 * time.Millisecond}
	fmt.Println(e.Timeout(bounds, 500*time.Millisecond))
	for range 20 {
		e.Sample(20 * time.Millisecond)
	}
	smoothed, samples := e.RoundTrip()
	fmt.Println(e.Timeout(bounds, 500*time.Millisecond), "after", samples, "round trips of about", smoothed)
	e.TimedOut(time.Second, time.Second+21*time.Millisecond)
	fmt.Println(e.Timeout(bounds, 500*time.Millisecond), "after silence")
	// Output:
	// 500ms
	// 21ms after 20 round trips of about 20ms
	// 42ms after silence
}

// One retry for ten calls: the rest is refused until there are more.
func ExampleWindow() {
	budget := retry.Budget{Ratio: 0.1}
	var window schedule.Window
	for range 20 {
		window.AddCall(0)
	}
	granted := 0
	for range 5 {
		if window.Allows(budget, time.Second) {
			window.AddRetry(time.Second)
			granted++
		}
	}
	fmt.Println(granted, "granted")
	// Output:
	// 2 granted
}

// Calls to one destination share its budget: here half as many retries as calls. All
// are answered with an error that the policy retries.
func ExampleDestination() {
	policy := &retry.Policy{RetryOn: []int{11}, Budget: retry.Budget{Ratio: 0.5}}
	var dest schedule.Destination
	for number := range 3 {
		var call schedule.Schedule
		call.Begin(policy, schedule.Start{CallNumber: uint64(number), Dest: &dest})
		call.Written(0)
		next := call.ErrorReply(10*time.Millisecond, 1, 0, schedule.Failure{Code: 11, Definite: true})
		var why schedule.Reason = next.Reason
		fmt.Printf("%v: %q\n", next.Action, why)
	}
	// Output:
	// give up: "retry refused by the budget"
	// send: ""
	// give up: "retry refused by the budget"
}

// What a policy says of silence and of replies that come late.
func ExampleAccepts() {
	strict := &retry.Policy{Late: retry.Ignore}
	fmt.Println(schedule.Accepts(strict, true), schedule.Accepts(strict, false))
	var step schedule.Action = schedule.AfterTimeout(strict, 3)
	fmt.Println(schedule.AfterTimeout(strict, 2), "then", step)
	// Output:
	// false true
	// send then give up
}

package retry_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A call that meets silence, step by step. Whoever owns it keeps the clock: here time
// passes only where the schedule says until when.
func Example() {
	policy := &retry.Policy{Attempts: 2, Backoff: retry.Backoff{Kind: retry.Constant, Base: 100 * time.Millisecond}}
	var call retry.Schedule
	var now time.Duration
	var next retry.Next = call.Begin(policy, retry.Start{Now: now})
	for next.Step != retry.GiveUp {
		fmt.Printf("%v: %v", now, next.Step)
		if next.Step == retry.SendAgain {
			fmt.Println()
			next = call.Written(now) // the message is out: its timeout begins
			continue
		}
		fmt.Println(" until", next.Until)
		now = next.Until
		next = call.Due(now)
	}
	fmt.Printf("%v: %v, %v\n", now, next.Step, next.Reason)
	// Output:
	// 0s: send again
	// 0s: wait until 500ms
	// 500ms: pause until 600ms
	// 600ms: send again
	// 600ms: wait until 1.1s
	// 1.1s: give up, attempts used up
}

// The zero value is 3 attempts of 500 ms. What is impossible is named.
func ExamplePolicy() {
	var policy *retry.Policy
	fmt.Println(policy.Limit(), policy.Wait(1), policy.Patience())
	fmt.Println((&retry.Policy{Hedge: time.Minute}).Validate())
	// Output:
	// 3 500ms 1.5s
	// hedge: 1m0s is more than the last attempt waits, 500ms
}

// The JSON form is what flags and files have.
func ExampleLoad() {
	policy, err := retry.Load([]byte(`{"attempts":5,"timeout":"200ms","backoff":{"kind":"exponential","base":"50ms","jitter":"full"}}`))
	fmt.Println(policy.Attempts, policy.Backoff.Kind, policy.Backoff.Jitter, err)
	text, _ := json.Marshal(retry.Policy{Timeout: time.Second, Late: retry.Ignore})
	fmt.Println(string(text))
	_, err = retry.Load([]byte(`{"tries":5}`))
	fmt.Println(err)
	// Output:
	// 5 exponential full <nil>
	// {"timeout":"1s","late":"ignore"}
	// tries: a policy has no such field
}

func ExamplePreset() {
	for _, name := range retry.Presets() {
		policy, err := retry.Preset(name)
		fmt.Printf("%s: %s: %d attempts %v\n", name, retry.Purpose(name), policy.Limit(), err)
	}
	// Output:
	// default: 3 attempts, 500 ms each: 3 attempts <nil>
	// patient: for what must get through: long waits that follow the round trips, growing pauses, half a minute in all: 8 attempts <nil>
	// hedged: for what must be quick: a second message after 100 ms, within a budget: 2 attempts <nil>
	// budgeted: the default, but retries are at most a fifth of the calls, and 10 a second: 3 attempts <nil>
}

// A preset by its name, or else a file's policy.
func ExampleFind() {
	read := func(name string) ([]byte, error) { return []byte(`{"attempts":9}`), nil }
	for _, name := range []string{"patient", "mine.json"} {
		policy, err := retry.Find(name, read)
		fmt.Println(policy.Limit(), err)
	}
	// Output:
	// 8 <nil>
	// 9 <nil>
}

// Pauses double, up to the cap; jitter keeps calls that failed together apart.
func ExampleBackoff() {
	plain := retry.Backoff{Kind: retry.Exponential, Base: 100 * time.Millisecond, Cap: time.Second}
	spread := plain
	spread.Jitter = retry.PlusMinus(0.2)
	const random = 42 << 50 // whoever asks brings the chance along
	var before time.Duration
	for n := 1; n <= 5; n++ {
		before = plain.Pause(n, before, random)
		fmt.Println(before, spread.Pause(n, before, random).Round(time.Millisecond))
	}
	// Output:
	// 100ms 80ms
	// 200ms 160ms
	// 400ms 320ms
	// 800ms 641ms
	// 1s 801ms
}

// A kind's name is what stands in JSON.
func ExampleBackoffKind() {
	var kind retry.BackoffKind
	fmt.Println(kind.UnmarshalText([]byte("decorrelated")), kind == retry.Decorrelated)
	fmt.Println(kind.UnmarshalText([]byte("linear")))
	// Output:
	// <nil> true
	// "linear" is none of none, constant, exponential, decorrelated
}

func ExampleJitter() {
	for _, jitter := range []retry.Jitter{retry.FullJitter, retry.EqualJitter, retry.PlusMinus(0.25), {}} {
		fmt.Printf("%v: from %v to %v times the pause\n", jitter, jitter.Low, jitter.High)
	}
	// Output:
	// full: from 0 to 1 times the pause
	// equal: from 0.5 to 1 times the pause
	// 0.25: from 0.75 to 1.25 times the pause
	// none: from 0 to 0 times the pause
}

// A timeout that follows the round trips to a destination.
func ExampleEstimator() {
	var e retry.Estimator
	bounds := &retry.Adaptive{Min: 5 * time.Millisecond}
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
func ExampleBudget() {
	budget := retry.Budget{Ratio: 0.1}
	var ledger retry.Ledger
	for range 20 {
		ledger.Call(0)
	}
	granted := 0
	for range 5 {
		if ledger.Affords(budget, time.Second) {
			ledger.Retry(time.Second)
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
	policy := &retry.Policy{Codes: []int{11}, Budget: retry.Budget{Ratio: 0.5}}
	var dest retry.Destination
	for number := range 3 {
		var call retry.Schedule
		call.Begin(policy, retry.Start{Call: uint64(number), Dest: &dest})
		call.Written(0)
		next := call.ErrorReply(10*time.Millisecond, 1, 0, retry.Failure{Code: 11, Definite: true})
		var why retry.Reason = next.Reason
		fmt.Printf("%v: %q\n", next.Step, why)
	}
	// Output:
	// give up: "retry refused by the budget"
	// send again: ""
	// give up: "retry refused by the budget"
}

// What a policy says of silence and of replies that come late.
func ExampleLate() {
	strict := &retry.Policy{Late: retry.Ignore}
	fmt.Println(strict.Accepts(true), strict.Accepts(false))
	var step retry.Step = strict.AfterSilence(3)
	fmt.Println(strict.AfterSilence(2), "then", step)
	// Output:
	// false true
	// send again then give up
}

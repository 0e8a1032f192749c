package retry_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// The zero value is 3 attempts of 500 ms. Validate names an invalid field.
func ExamplePolicy() {
	var policy *retry.Policy
	fmt.Println(policy.MaxAttempts(), policy.AttemptTimeout(1))
	fmt.Println((&retry.Policy{Hedge: time.Minute}).Validate())
	// Output:
	// 3 500ms
	// hedge: 1m0s must be at most the timeout of the last attempt, 500ms
}

// A file holds the JSON form.
func ExampleLoad() {
	policy, err := retry.Load([]byte(`{"attempts":5,"timeout":"200ms","backoff":{"kind":"exponential","base":"50ms","jitter":"full"}}`))
	fmt.Println(policy.Attempts, policy.Backoff.Kind, policy.Backoff.Jitter, err)
	text, _ := json.Marshal(retry.Policy{Timeout: time.Second, Late: retry.Ignore})
	fmt.Println(string(text))
	_, err = retry.Load([]byte(`{"atempts":5}`))
	fmt.Println(err)
	// Output:
	// 5 exponential full <nil>
	// {"timeout":"1s","late":"ignore"}
	// line 1, column 2: atempts: unknown field; did you mean attempts?
}

func ExamplePreset() {
	for _, name := range retry.Presets() {
		policy, err := retry.Preset(name)
		fmt.Printf("%s: %s: %d attempts %v\n", name, retry.Purpose(name), policy.MaxAttempts(), err)
	}
	// Output:
	// default: 3 attempts of 500 ms each: 3 attempts <nil>
	// patient: for calls that must succeed: long adaptive timeouts, growing pauses, 30 s in all: 8 attempts <nil>
	// hedged: for calls that must be fast: a second attempt after 100 ms, limited by a budget: 2 attempts <nil>
	// budgeted: the default with a budget: one retry for every five calls, plus 10 per second: 3 attempts <nil>
}

// Find looks for a preset first, then for a file.
func ExampleFind() {
	read := func(name string) ([]byte, error) { return []byte(`{"attempts":9}`), nil }
	for _, name := range []string{"patient", "mine.json"} {
		policy, err := retry.Find(name, read)
		fmt.Println(policy.MaxAttempts(), err)
	}
	// Output:
	// 8 <nil>
	// 9 <nil>
}

// In JSON, a kind is its name.
func ExampleBackoffKind() {
	var kind retry.BackoffKind
	fmt.Println(kind.UnmarshalText([]byte("decorrelated")), kind == retry.Decorrelated)
	fmt.Println(kind.UnmarshalText([]byte("linear")))
	// Output:
	// <nil> true
	// "linear" must be none, constant, exponential or decorrelated
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

// A timeout that follows the round trips to each destination, within bounds.
func ExampleAdaptive() {
	policy := retry.Policy{Adaptive: &retry.Adaptive{Max: 5 * time.Second}}
	bounds := policy.Adaptive.WithDefaults()
	fmt.Println(bounds.Min, bounds.Max)
	// Output:
	// 10ms 5s
}

// There is one retry for every five calls, plus 10 per second.
func ExampleBudget() {
	policy := retry.Policy{Budget: retry.Budget{Ratio: 0.2, PerSecond: 10}}
	text, err := json.Marshal(policy)
	fmt.Println(string(text), err)
	// Output:
	// {"budget":{"ratio":0.2,"per_second":10}} <nil>
}

// After five attempts in a row that failed, calls to a node fail at once, for two seconds.
func ExampleBreaker() {
	policy := retry.Policy{Breaker: retry.Breaker{Failures: 5, Open: 2 * time.Second}}
	text, err := json.Marshal(policy)
	fmt.Println(string(text), err)
	fmt.Println((&retry.Policy{Breaker: retry.Breaker{Open: time.Second}}).Validate())
	// Output:
	// {"breaker":{"failures":5,"open":"2s"}} <nil>
	// breaker: must have a failures or a ratio of more than 0
}

// A busy node (code 11) gets more time than a lost message.
func ExampleAfterCode() {
	policy := retry.Policy{
		RetryOn: []int{11},
		Backoff: retry.Backoff{Kind: retry.Exponential, Base: time.Second},
		BackoffAfter: map[string]retry.Backoff{
			retry.AfterTimeout: {}, // no pause: the timeout was long enough
		},
	}
	fmt.Println(policy.Validate(), policy.Warnings())
	policy.BackoffAfter[retry.AfterCode(13)] = retry.Backoff{Kind: retry.Constant}
	fmt.Println(policy.Warnings())
	// Output:
	// <nil> []
	// [backoff_after.13: has no effect, because the code is not in retry_on]
}

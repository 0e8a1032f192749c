package retry

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

func TestPolicyDefaults(t *testing.T) {
	for name, p := range map[string]*Policy{"nil": nil, "zero": {}} {
		if p.MaxAttempts() != 3 {
			t.Errorf("%s: %d attempts", name, p.MaxAttempts())
		}
		for n := 1; n <= 3; n++ {
			if p.AttemptTimeout(n) != 500*ms {
				t.Errorf("%s: attempt %d waits %v", name, n, p.AttemptTimeout(n))
			}
		}
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAttemptTimeout(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		want   [3]time.Duration
	}{
		{Policy{Timeout: ms}, [3]time.Duration{ms, ms, ms}},
		{Policy{LastTimeout: time.Second}, [3]time.Duration{500 * ms, 500 * ms, time.Second}},
		{Policy{Hedge: 20 * ms}, [3]time.Duration{20 * ms, 20 * ms, 500 * ms}},
		{Policy{Hedge: 20 * ms, LastTimeout: 900 * ms}, [3]time.Duration{20 * ms, 20 * ms, 900 * ms}},
		{Policy{Adaptive: &Adaptive{}, Timeout: 300 * ms}, [3]time.Duration{300 * ms, 300 * ms, 300 * ms}},
	} {
		for n := 1; n <= 3; n++ {
			if got := tt.policy.AttemptTimeout(n); got != tt.want[n-1] {
				t.Errorf("%+v: attempt %d: got %v, want %v", tt.policy, n, got, tt.want[n-1])
			}
		}
	}
}

func TestBudgetHasAFloor(t *testing.T) {
	for _, tt := range []struct{ budget, want Budget }{
		{Budget{}, Budget{}},
		{Budget{Ratio: 0.2}, Budget{Ratio: 0.2, PerSecond: 10}},
		{Budget{Ratio: 0.2, PerSecond: 0.5}, Budget{Ratio: 0.2, PerSecond: 0.5}},
		{Budget{PerSecond: 3}, Budget{PerSecond: 3}},
	} {
		if got := tt.budget.WithDefaults(); got != tt.want {
			t.Errorf("%+v: got %+v, want %+v", tt.budget, got, tt.want)
		}
	}
}

func TestValidate(t *testing.T) {
	const duration = ` must be a duration of more than 0s, such as "500ms"`
	const jitter = ` must be "none", "full", "equal", a number of more than 0 and at most 1, or two factors from 0 to 2 such as [0.5,1.5]`
	for _, tt := range []struct {
		policy Policy
		want   string
	}{
		{Policy{}, ""},
		{Policy{Attempts: 1, Timeout: 1, Late: Ignore}, ""},
		{Policy{Attempts: math.MaxInt, Timeout: math.MaxInt64}, ""},
		{Policy{Attempts: -1, Timeout: -1, Late: 2}, "attempts: -1 must be an integer of at least 1"},
		{Policy{Timeout: -time.Second, Late: 2}, "timeout: -1s" + duration},
		{Policy{Late: 2}, "late: 2 must be accept or ignore"},
		{Policy{LastTimeout: -1}, "last_timeout: -1ns" + duration},
		{Policy{Hedge: -1}, "hedge: -1ns" + duration},
		{Policy{Deadline: -1}, "deadline: -1ns" + duration},
		{Policy{LastTimeout: 499 * ms}, "last_timeout: 499ms must be at least the timeout, 500ms"},
		{Policy{LastTimeout: 1, Adaptive: &Adaptive{}}, ""},
		{Policy{Hedge: 501 * ms}, "hedge: 501ms must be at most the timeout of the last attempt, 500ms"},
		{Policy{Hedge: 501 * ms, LastTimeout: 502 * ms}, ""},
		{Policy{Hedge: 1, Late: Ignore}, "hedge: 1ns must be left out if late is ignore, because only late replies make it useful"},
		{Policy{RetryOn: []int{0, 1000}}, ""},
		{Policy{RetryOn: []int{0, -1}}, "retry_on.1: -1 must be an integer of at least 0"},
		{Policy{Adaptive: &Adaptive{Min: -1}}, "adaptive.min: -1ns" + duration},
		{Policy{Adaptive: &Adaptive{Max: -1}}, "adaptive.max: -1ns" + duration},
		{Policy{Adaptive: &Adaptive{Min: 2, Max: 1}}, "adaptive.max: 1ns must be at least min, 2ns"},
		{Policy{Backoff: Backoff{Kind: 4}}, "backoff.kind: 4 must be none, constant, exponential or decorrelated"},
		{Policy{Backoff: Backoff{Base: 1}}, "backoff.kind: must be constant, exponential or decorrelated if another field of backoff is set"},
		{Policy{Backoff: Backoff{Kind: Constant, Base: -1}}, "backoff.base: -1ns" + duration},
		{Policy{Backoff: Backoff{Kind: Constant, Cap: -1}}, "backoff.cap: -1ns" + duration},
		{Policy{Backoff: Backoff{Kind: Constant, Cap: ms}}, "backoff.cap: 1ms must be at least the base, 100ms"},
		{Policy{Backoff: Backoff{Kind: Decorrelated, Jitter: FullJitter}}, "backoff.jitter: full must be left out if kind is decorrelated, which is random itself"},
		{Policy{Backoff: Backoff{Kind: Constant, Jitter: Jitter{1, 3}}}, "backoff.jitter: [1,3]" + jitter},
		{Policy{Backoff: Backoff{Kind: Constant, Jitter: PlusMinus(math.NaN())}}, "backoff.jitter: [NaN,NaN]" + jitter},
		{Policy{Budget: Budget{Ratio: -0.1}}, "budget.ratio: -0.1 must be a number from 0 to 1"},
		{Policy{Budget: Budget{Ratio: math.Copysign(0, -1)}}, "budget.ratio: -0 must be a number from 0 to 1"},
		{Policy{Budget: Budget{PerSecond: math.Inf(1)}}, "budget.per_second: +Inf must be a number of more than 0 and at most 1e9"},
	} {
		got := ""
		if err := tt.policy.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.policy, got, tt.want)
		}
	}
}

// Values that Validate refuses count as the default.
func TestInvalidValuesMeanTheDefault(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Policy{
			Attempts: -rapid.IntRange(1, math.MaxInt).Draw(t, "attempts"),
			Timeout:  -time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "timeout")),
		}
		if p.Validate() == nil || p.MaxAttempts() != DefaultAttempts || p.AttemptTimeout(1) != DefaultTimeout {
			t.Fatalf("%v, %d attempts, timeout %v", p.Validate(), p.MaxAttempts(), p.AttemptTimeout(1))
		}
	})
}

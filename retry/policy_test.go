package retry

import (
	"fmt"
	"math"
	"slices"
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
			if p.AttemptTimeout(n) != 500*time.Millisecond {
				t.Errorf("%s: attempt %d waits %v", name, n, p.AttemptTimeout(n))
			}
		}
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		want   string
	}{
		{Policy{}, ""},
		{Policy{Attempts: 1, Timeout: 1, Late: Ignore}, ""},
		{Policy{Attempts: math.MaxInt, Timeout: math.MaxInt64}, ""},
		{Policy{Attempts: -1, Timeout: -1, Late: 2}, "attempts: -1 is not at least 1"},
		{Policy{Timeout: -time.Second, Late: 2}, "timeout: -1s is not over 0s"},
		{Policy{Late: 2}, "late: 2 is neither accept nor ignore"},
		{Policy{LastTimeout: -1}, "last_timeout: -1ns is not over 0s"},
		{Policy{Hedge: -1}, "hedge: -1ns is not over 0s"},
		{Policy{Deadline: -1}, "deadline: -1ns is not over 0s"},
		{Policy{LastTimeout: 499 * ms}, "last_timeout: 499ms is less than the timeout, 500ms"},
		{Policy{LastTimeout: 1, Adaptive: &Adaptive{}}, ""},
		{Policy{Hedge: 501 * ms}, "hedge: 501ms is more than the last attempt waits, 500ms"},
		{Policy{Hedge: 501 * ms, LastTimeout: 502 * ms}, ""},
		{Policy{Hedge: 1, Late: Ignore}, "hedge: of no use, since late replies are ignored"},
		{Policy{RetryOn: []int{0, 1000}}, ""},
		{Policy{RetryOn: []int{0, -1}}, "retry_on: -1, number 2 of them, is not at least 0"},
		{Policy{Adaptive: &Adaptive{Min: -1}}, "adaptive.min: -1ns is not over 0s"},
		{Policy{Adaptive: &Adaptive{Max: -1}}, "adaptive.max: -1ns is not over 0s"},
		{Policy{Adaptive: &Adaptive{Min: 2, Max: 1}}, "adaptive.max: 1ns is less than min, 2ns"},
		{Policy{Backoff: Backoff{Kind: 4}}, "backoff.kind: 4 is no kind of backoff"},
		{Policy{Backoff: Backoff{Base: 1}}, "backoff.kind: none has no base, cap, jitter or seed"},
		{Policy{Backoff: Backoff{Kind: Constant, Base: -1}}, "backoff.base: -1ns is not over 0s"},
		{Policy{Backoff: Backoff{Kind: Constant, Cap: -1}}, "backoff.cap: -1ns is not over 0s"},
		{Policy{Backoff: Backoff{Kind: Constant, Cap: ms}}, "backoff.cap: 1ms is less than the base, 100ms"},
		{Policy{Backoff: Backoff{Kind: Decorrelated, Jitter: FullJitter}}, "backoff.jitter: decorrelated has its own"},
		{Policy{Backoff: Backoff{Kind: Constant, Jitter: Jitter{1, 3}}}, "backoff.jitter: a factor from 1 to 3 does not lie from 0 to 2"},
		{Policy{Budget: Budget{Ratio: -0.1}}, "budget.ratio: -0.1 is not from 0 to 1"},
		{Policy{Budget: Budget{PerSecond: math.Inf(1)}}, "budget.per_second: +Inf is not from 0 to 1e9"},
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

// A policy that looks simple is judged as if it had been looked at field by field: a
// code that no policy minds keeps it from looking simple.
func TestValidateAtAGlance(t *testing.T) {
	duration := rapid.SampledFrom([]time.Duration{0, 1, -1, DefaultTimeout, math.MaxInt64, math.MinInt64})
	factor := rapid.SampledFrom([]float64{0, 0.5, 1, -1, 3, math.Copysign(0, -1), math.NaN(), math.Inf(1)})
	number := rapid.SampledFrom([]uint8{0, 1, 2, 3, 4, 255})
	fields := []func(t *rapid.T, p *Policy){
		func(t *rapid.T, p *Policy) { p.Attempts = int(duration.Draw(t, "attempts")) },
		func(t *rapid.T, p *Policy) { p.Timeout = duration.Draw(t, "timeout") },
		func(t *rapid.T, p *Policy) { p.LastTimeout = duration.Draw(t, "final") },
		func(t *rapid.T, p *Policy) { p.Hedge = duration.Draw(t, "hedge") },
		func(t *rapid.T, p *Policy) { p.Deadline = duration.Draw(t, "deadline") },
		func(t *rapid.T, p *Policy) { p.Late = Late(number.Draw(t, "late")) },
		func(t *rapid.T, p *Policy) { p.Adaptive = &Adaptive{Min: duration.Draw(t, "min")} },
		func(t *rapid.T, p *Policy) { p.Backoff.Kind = BackoffKind(number.Draw(t, "kind")) },
		func(t *rapid.T, p *Policy) { p.Backoff.Base = duration.Draw(t, "base") },
		func(t *rapid.T, p *Policy) { p.Backoff.Cap = duration.Draw(t, "cap") },
		func(t *rapid.T, p *Policy) { p.Backoff.Seed = uint64(number.Draw(t, "seed")) },
		func(t *rapid.T, p *Policy) { p.Backoff.Jitter = Jitter{factor.Draw(t, "low"), factor.Draw(t, "high")} },
		func(t *rapid.T, p *Policy) { p.RetryOn = []int{int(duration.Draw(t, "code"))} },
		func(t *rapid.T, p *Policy) { p.Budget.Ratio = factor.Draw(t, "ratio") },
		func(t *rapid.T, p *Policy) { p.Budget.PerSecond = factor.Draw(t, "per second") },
		func(t *rapid.T, p *Policy) { p.CallID, p.Propagate = true, rapid.Bool().Draw(t, "propagate") },
	}
	rapid.Check(t, func(t *rapid.T) {
		var p Policy
		for range rapid.IntRange(0, 3).Draw(t, "fields") {
			rapid.SampledFrom(fields).Draw(t, "field")(t, &p)
		}
		closely := p
		closely.RetryOn = append(slices.Clone(p.RetryOn), 0)
		if got, want := fmt.Sprint(p.Validate()), fmt.Sprint(closely.Validate()); got != want {
			t.Fatalf("%+v: got %s, want %s", p, got, want)
		}
	})
}

// Values that Validate refuses do no harm: they count as the default.
func TestImpossibleValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Policy{
			Attempts: -rapid.IntRange(1, math.MaxInt).Draw(t, "attempts"),
			Timeout:  -time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "timeout")),
		}
		if p.Validate() == nil || p.MaxAttempts() != DefaultAttempts || p.AttemptTimeout(1) != DefaultTimeout {
			t.Fatalf("%v, limit %d, wait %v", p.Validate(), p.MaxAttempts(), p.AttemptTimeout(1))
		}
	})
}

package retry_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/policytest"
	"github.com/eddyrpc/eddy/retry"
)

// A valid policy that is written and read again is the same.
func TestPolicySurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { survivesJSON(t, policytest.Any(t)) })
}

func survivesJSON(t interface{ Fatalf(string, ...any) }, p *retry.Policy) {
	if err := p.Validate(); err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	if again, err := retry.Load(text); err != nil || !reflect.DeepEqual(again, p) {
		t.Fatalf("%s became %+v, %v", text, again, err)
	}
}

// A policy with any values has a text. If it is invalid, it has no JSON form, and the
// error names the same field as Validate.
func TestAnyValuesHaveAText(t *testing.T) {
	duration := rapid.SampledFrom([]time.Duration{0, 1, -1, retry.DefaultTimeout, math.MaxInt64, math.MinInt64})
	number := rapid.SampledFrom([]float64{0, 0.5, 1, -1, 3, math.Copysign(0, -1), math.NaN(), math.Inf(1)})
	name := rapid.SampledFrom([]uint8{0, 1, 2, 3, 4, 255})
	fields := []func(t *rapid.T, p *retry.Policy){
		func(t *rapid.T, p *retry.Policy) { p.Attempts = int(duration.Draw(t, "attempts")) },
		func(t *rapid.T, p *retry.Policy) { p.Timeout = duration.Draw(t, "timeout") },
		func(t *rapid.T, p *retry.Policy) { p.LastTimeout = duration.Draw(t, "last timeout") },
		func(t *rapid.T, p *retry.Policy) { p.Hedge = duration.Draw(t, "hedge") },
		func(t *rapid.T, p *retry.Policy) { p.Deadline = duration.Draw(t, "deadline") },
		func(t *rapid.T, p *retry.Policy) { p.Late = retry.Late(name.Draw(t, "late")) },
		func(t *rapid.T, p *retry.Policy) { p.Adaptive = &retry.Adaptive{Min: duration.Draw(t, "min")} },
		func(t *rapid.T, p *retry.Policy) { p.Backoff.Kind = retry.BackoffKind(name.Draw(t, "kind")) },
		func(t *rapid.T, p *retry.Policy) { p.Backoff.Base = duration.Draw(t, "base") },
		func(t *rapid.T, p *retry.Policy) { p.Backoff.Cap = duration.Draw(t, "cap") },
		func(t *rapid.T, p *retry.Policy) { p.Backoff.Seed = uint64(name.Draw(t, "seed")) },
		func(t *rapid.T, p *retry.Policy) {
			p.Backoff.Jitter = retry.Jitter{Low: number.Draw(t, "low"), High: number.Draw(t, "high")}
		},
		func(t *rapid.T, p *retry.Policy) { p.RetryOn = []int{int(duration.Draw(t, "code"))} },
		func(t *rapid.T, p *retry.Policy) { p.Budget.Ratio = number.Draw(t, "ratio") },
		func(t *rapid.T, p *retry.Policy) { p.Budget.PerSecond = number.Draw(t, "per second") },
		func(t *rapid.T, p *retry.Policy) { p.Budget.InFlight = int(duration.Draw(t, "in flight")) },
		func(t *rapid.T, p *retry.Policy) { p.HedgePercentile = number.Draw(t, "percentile") },
		func(t *rapid.T, p *retry.Policy) { p.MaxHedges = int(duration.Draw(t, "hedges")) },
		func(t *rapid.T, p *retry.Policy) { p.MaxPushback = duration.Draw(t, "pushback") },
		func(t *rapid.T, p *retry.Policy) {
			p.BackoffAfter = map[string]retry.Backoff{rapid.SampledFrom([]string{"timeout", "11", "-1", "x"}).Draw(t, "kind"): {Base: duration.Draw(t, "base after")}}
		},
		func(t *rapid.T, p *retry.Policy) {
			p.Breaker = retry.Breaker{Failures: int(duration.Draw(t, "failures")), Ratio: number.Draw(t, "breaker ratio"), MinAttempts: int(duration.Draw(t, "min")), Open: duration.Draw(t, "open")}
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		var p retry.Policy
		for range rapid.IntRange(0, 3).Draw(t, "fields") {
			rapid.SampledFrom(fields).Draw(t, "field")(t, &p)
		}
		if fmt.Sprintf("%v", p) == "" {
			t.Fatal("no text")
		}
		invalid := p.Validate()
		if invalid == nil {
			survivesJSON(t, &p)
			return
		}
		if text, err := json.Marshal(p); err == nil || !strings.Contains(err.Error(), invalid.Error()) {
			t.Fatalf("%+v became %s, %v; want %v", p, text, err, invalid)
		}
	})
}

// Whatever Load accepts can be written and read again.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		`{}`, `null`, `{"attempts":1e0}`, `{"timeout":"1h","budget":{"ratio":1e-400,"per_second":1}}`, `{"budget":{"per_second":-0}}`,
		`{"adaptive":{"min":"1ms"},"backoff":{"kind":"constant","jitter":[1,1],"seed":18446744073709551615},"retry_on":[]}`,
		`{"backoff_after":{"11":{"kind":"decorrelated"},"timeout":{}},"breaker":{"ratio":1,"open":"1ns"},"hedge":"1ms","hedge_percentile":1e-9,"budget":{"in_flight":1}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, err := retry.Load(text); err == nil {
			survivesJSON(t, p)
		}
	})
}

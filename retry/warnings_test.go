package retry

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWarnings(t *testing.T) {
	one, grow := 1, Backoff{Kind: Exponential}
	for _, tt := range []struct {
		policy Policy
		want   string // the fields
	}{
		{Policy{}, ""},
		{Policy{Attempts: one, LastTimeout: time.Second}, ""},
		{Policy{Attempts: one, Timeout: ms, LastTimeout: time.Second}, "timeout"},
		{Policy{Attempts: one, Hedge: ms, HedgePercentile: 95, MaxHedges: 1}, "hedge hedge_percentile max_hedges"},
		{Policy{Attempts: one, Late: Ignore}, "late"},
		{Policy{Attempts: one, Backoff: grow, BackoffAfter: map[string]Backoff{"timeout": grow}}, "backoff backoff_after"},
		{Policy{Attempts: one, RetryOn: []int{11}, Budget: Budget{Ratio: 0.1}}, "retry_on budget"},
		{Policy{Attempts: one, RetryOn: []int{11}, MaxPushback: 1}, "retry_on max_pushback"},
		{Policy{HedgePercentile: 95, MaxHedges: 1}, "hedge_percentile max_hedges"},
		{Policy{Hedge: ms, MaxHedges: 1}, ""},
		{Policy{Hedge: ms, MaxHedges: 2}, "max_hedges"},
		{Policy{Hedge: ms, Timeout: 2 * ms}, ""},
		{Policy{Hedge: ms, Timeout: 2 * ms, LastTimeout: 3 * ms}, "timeout"},
		{Policy{Hedge: ms, Adaptive: &Adaptive{}, LastTimeout: 3 * ms}, "adaptive"},
		{Policy{Hedge: ms, MaxHedges: 1, Timeout: 2 * ms, LastTimeout: 3 * ms}, ""},
		{Policy{Backoff: grow}, ""},
		{Policy{Attempts: 2, Backoff: grow}, "backoff.kind"},
		{Policy{Backoff: Backoff{Kind: Exponential, Base: ms, Cap: ms}}, "backoff.kind"},
		{Policy{Backoff: Backoff{Kind: Constant, Base: ms, Cap: ms}}, "backoff.cap"},
		{Policy{Backoff: Backoff{Kind: Constant, Base: ms, Cap: ms, Jitter: PlusMinus(0.5)}}, ""},
		{Policy{Backoff: Backoff{Kind: Constant, Jitter: Jitter{1, 1}}}, "backoff.jitter"},
		{Policy{RetryOn: []int{0, 11, 0}}, "retry_on.2"},
		{Policy{RetryOn: []int{11}, MaxPushback: 1}, ""},
		{Policy{MaxPushback: 1}, "max_pushback"},
		{Policy{MaxPushback: 1, RetryIf: func([]byte, error) bool { return true }}, ""},
		{Policy{RetryOn: []int{0}, BackoffAfter: map[string]Backoff{"11": grow, "0": grow, "pushback": grow}}, "backoff_after.11"},
		{Policy{BackoffAfter: map[string]Backoff{"timeout": grow, "pushback": {}}}, "backoff_after.pushback"},
		{Policy{LastTimeout: DefaultTimeout}, "last_timeout"},
		{Policy{Deadline: 500 * ms}, "attempts"},
		{Policy{Deadline: 501 * ms}, ""},
		{Policy{Deadline: 500 * ms, RetryOn: []int{11}}, ""},
		{Policy{Breaker: Breaker{Failures: 3, MinAttempts: 3}}, "breaker.min_attempts"},
		{Policy{Breaker: Breaker{Ratio: 0.5, MinAttempts: 3}}, ""},
	} {
		if err := tt.policy.Validate(); err != nil {
			t.Errorf("%+v: %v", tt.policy, err)
		}
		var fields []string
		for _, text := range tt.policy.Warnings() {
			field, _, _ := strings.Cut(text, ":")
			fields = append(fields, field)
		}
		if got := strings.Join(fields, " "); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.policy, got, tt.want)
		}
	}
	if p := (*Policy)(nil); p.Warnings() != nil {
		t.Error("no policy has warnings")
	}
	text := (&Policy{Attempts: 1, Hedge: ms}).Warnings()
	if len(text) != 1 || text[0] != "hedge: has no effect, because there is only one attempt" {
		t.Errorf("%q", text)
	}
}

// No preset has a field that does nothing.
func TestPresetsHaveNoWarnings(t *testing.T) {
	for _, name := range Presets() {
		p, _ := Preset(name)
		if w := p.Warnings(); len(w) > 0 {
			t.Errorf("%s: %q", name, w)
		}
	}
}

// A timeout for which there is a warning makes no difference to any attempt.
func TestTimeoutsInVain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SampledFrom([]time.Duration{0, ms, 2 * ms, 3 * ms})
		p := Policy{Attempts: rapid.IntRange(1, 4).Draw(t, "attempts"), Hedge: rapid.SampledFrom([]time.Duration{0, ms}).Draw(t, "hedge"),
			MaxHedges: rapid.IntRange(0, 4).Draw(t, "hedges"), Timeout: some.Draw(t, "timeout"), LastTimeout: some.Draw(t, "last")}
		if p.Validate() != nil {
			return
		}
		for _, text := range p.Warnings() {
			without := p
			switch field, _, _ := strings.Cut(text, ":"); field {
			case "timeout":
				without.Timeout = 0
			case "hedge":
				without.Hedge = 0
			case "max_hedges":
				without.MaxHedges = 0
			case "last_timeout":
				without.LastTimeout = 0
			}
			for n := 1; n <= p.MaxAttempts(); n++ {
				if got, want := without.AttemptTimeout(n), p.AttemptTimeout(n); got != want {
					t.Fatalf("%+v: %s, but attempt %d waits %v with it and %v without", p, text, n, want, got)
				}
			}
		}
	})
}

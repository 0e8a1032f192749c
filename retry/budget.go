package retry

import (
	"math"
	"time"
)

// DefaultPerSecond is the floor of a Budget that states only a ratio. Finagle and
// Linkerd have the same floor, with a ratio of 0.2 and the same window.
const DefaultPerSecond = 10

// BudgetWindow is the time over which a Budget counts calls and retries. It slides
// in steps of one second, so it covers the last 9 to 10 seconds.
const BudgetWindow = 10 * time.Second

// A Budget limits the retries of many calls together. Within BudgetWindow there may be
// Ratio retries for each call, plus PerSecond retries for each second. The zero value
// limits nothing. First attempts are never refused.
//
// A node has one budget for all of its calls and another one for each destination.
// A retry is sent only if both allow it.
//
// The floor is for nodes that call rarely. With a ratio of 0.2 alone, a node that
// makes one call every ten seconds could never retry. (Finagle's RetryBudget,
// Twitter, 2016, has the ratio, the floor and the window.)
type Budget struct {
	// Ratio is how many retries there may be for each call, from 0 to 1.
	Ratio float64 `json:"ratio,omitzero"`
	// PerSecond is the floor: how many retries there may be each second in addition,
	// even if there are few calls. 0 means 10 if there is a Ratio.
	PerSecond float64 `json:"per_second,omitzero"`
	// InFlight is how many calls may retry at the same time in any case, whatever Ratio
	// and PerSecond say. A caller who calls rarely has few calls in flight, so it can
	// retry each of them; one whose calls all fail has many, and InFlight allows few of
	// them. 0 means none. (Envoy's retry budget has such a floor, min_retry_concurrency,
	// of 3.)
	InFlight int `json:"in_flight,omitzero"`
}

// WithDefaults returns b with a zero PerSecond replaced by its default.
func (b Budget) WithDefaults() Budget {
	if b.Ratio > 0 && b.PerSecond <= 0 {
		b.PerSecond = DefaultPerSecond
	}
	return b
}

func (b Budget) validate() error {
	switch {
	case !(b.Ratio >= 0 && b.Ratio <= 1) || math.Signbit(b.Ratio):
		return invalid("budget.ratio", b.Ratio)
	case !(b.PerSecond >= 0 && b.PerSecond <= 1e9) || math.Signbit(b.PerSecond):
		return invalid("budget.per_second", b.PerSecond)
	case b.InFlight < 0:
		return invalid("budget.in_flight", b.InFlight)
	}
	return nil
}

// errNoBudget is for a budget in JSON without a positive number. It looks as if it
// allowed no retries, and would limit nothing.
var errNoBudget = wrong("budget", "must have a ratio, a per_second or an in_flight of more than 0; for no retries, set attempts to 1")

package retry

import (
	"math"
	"time"
)

// The defaults of Breaker.
const (
	DefaultMinAttempts = 20
	DefaultOpen        = 5 * time.Second
)

// A Breaker is a circuit breaker: it refuses attempts to a destination that does not
// answer, so that calls to it fail at once. The zero value refuses nothing.
//
// It is closed at first. It opens when Failures or Ratio is reached, and then refuses
// every attempt. After Open it is half-open: it lets one attempt through, the probe, and
// refuses the others. If the probe succeeds, it closes. Otherwise it is open again.
//
// An attempt fails if it times out, if it gets an error reply with code 11
// (temporarily-unavailable), or if its reply leads to a retry. Every other reply is a
// success, because it shows that the destination was reached. A hedged attempt whose delay
// has passed has not failed.
//
// A node has one breaker for each destination. (Nygard: Release It!, Pragmatic Bookshelf,
// 2007.)
type Breaker struct {
	// Failures is how many attempts in a row must fail. 0 means any number.
	Failures int `json:"failures,omitzero"`
	// Ratio is the share of the attempts within BudgetWindow that must fail, from 0 to 1.
	// 0 means that the share does not matter.
	Ratio float64 `json:"ratio,omitzero"`
	// MinAttempts is how many attempts there must be within the window before Ratio
	// counts. 0 means 20.
	MinAttempts int `json:"min_attempts,omitzero"`
	// Open is how long the breaker refuses every attempt. 0 means 5 s.
	Open time.Duration `json:"open,omitzero"`
}

// Enabled reports whether b ever refuses anything.
func (b Breaker) Enabled() bool { return b.Failures > 0 || b.Ratio > 0 }

// WithDefaults returns b with a zero MinAttempts or Open replaced by its default.
func (b Breaker) WithDefaults() Breaker {
	if b.MinAttempts <= 0 {
		b.MinAttempts = DefaultMinAttempts
	}
	if b.Open <= 0 {
		b.Open = DefaultOpen
	}
	return b
}

func (b Breaker) validate() error {
	switch {
	case b.Failures < 0:
		return invalid("breaker.failures", b.Failures)
	case !(b.Ratio >= 0 && b.Ratio <= 1) || math.Signbit(b.Ratio):
		return invalid("breaker.ratio", b.Ratio)
	case b.MinAttempts < 0:
		return invalid("breaker.min_attempts", b.MinAttempts)
	case b.Open < 0:
		return invalid("breaker.open", b.Open)
	case b != Breaker{} && !b.Enabled():
		return errNoBreaker
	}
	return nil
}

// errNoBreaker is for a breaker that would refuse nothing.
var errNoBreaker = wrong("breaker", "must have a failures or a ratio of more than 0")

package retry

import "time"

// The defaults of Adaptive. RFC 6298 wants a minimum of one second (section 2.4),
// against spurious retransmissions over the Internet; between nodes that answer
// within a millisecond that would be a thousand round trips. It wants a maximum of
// at least 60 seconds (section 2.5).
const (
	DefaultMin = 10 * time.Millisecond
	DefaultMax = 60 * time.Second
)

// Adaptive makes the timeout of an attempt follow the measured round trips to its
// destination (RFC 6298), between two bounds.
type Adaptive struct {
	// Min is the shortest timeout. 0 means 10 ms, or Max if that is less.
	Min time.Duration `json:"min,omitzero"`
	// Max is the longest timeout. 0 means 60 s, or Min if that is more.
	Max time.Duration `json:"max,omitzero"`
}

// WithDefaults returns a with each zero field replaced by its default.
func (a Adaptive) WithDefaults() Adaptive {
	if a.Min <= 0 {
		a.Min = DefaultMin
		if a.Max > 0 {
			a.Min = min(DefaultMin, a.Max)
		}
	}
	if a.Max <= 0 {
		a.Max = max(DefaultMax, a.Min)
	}
	return a
}

func (a *Adaptive) validate() error {
	switch {
	case a == nil:
		return nil
	case a.Min < 0:
		return invalid("adaptive.min", a.Min)
	case a.Max < 0:
		return invalid("adaptive.max", a.Max)
	}
	if full := a.WithDefaults(); full.Max < full.Min {
		return wrong("adaptive.max", "%v must be at least min, %v", full.Max, full.Min)
	}
	return nil
}

package retry

import (
	"fmt"
	"time"
)

// The defaults of Adaptive. RFC 6298 wants a minimum of one second (section 2.4),
// which is too long for nodes in one data center. The maximum of 60 s is the least
// that it allows (2.5).
const (
	DefaultMin = 10 * time.Millisecond
	DefaultMax = 60 * time.Second
)

// Adaptive makes the timeout of an attempt follow the measured round trips to its
// destination, as RFC 6298 describes, within two bounds.
type Adaptive struct {
	// Min is the shortest timeout. 0 means 10 ms, or Max if that is less.
	Min time.Duration `json:"min,omitzero"`
	// Max is the longest timeout. 0 means 60 s, or Min if that is more.
	Max time.Duration `json:"max,omitzero"`
}

// WithDefaults returns a with its zero fields replaced by what they mean.
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
	if a == nil {
		return nil
	}
	switch full := a.WithDefaults(); {
	case a.Min < 0:
		return fmt.Errorf("min: %v is not over 0s", a.Min)
	case a.Max < 0:
		return fmt.Errorf("max: %v is not over 0s", a.Max)
	case full.Max < full.Min:
		return fmt.Errorf("max: %v is less than min, %v", full.Max, full.Min)
	}
	return nil
}

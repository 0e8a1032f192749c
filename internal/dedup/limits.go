package dedup

import (
	"fmt"
	"time"
)

// Limits bound a Table. The names of the fields are those of eddy.Dedup.
type Limits struct {
	MaxReplies int
	MaxBytes   int // half of them for callers
	Window     time.Duration
}

const leastBytes = 64 << 10

// Validate returns an error that names the first field that is invalid.
func (l Limits) Validate() error {
	switch {
	case l.MaxReplies < 0:
		return fmt.Errorf("MaxReplies: %d must not be negative", l.MaxReplies)
	case l.MaxBytes < leastBytes:
		return fmt.Errorf("MaxBytes: %d must be at least %d", l.MaxBytes, leastBytes)
	case l.Window < 0:
		return fmt.Errorf("%s: %v must not be negative", "Window", l.Window)
	}
	return nil
}

// WithDefaults returns the limits with the default of each field that is 0.
func (l Limits) WithDefaults() Limits {
	if l.MaxReplies == 0 {
		l.MaxReplies = 100_000
	}
	if l.MaxBytes == 0 {
		l.MaxBytes = 16 << 20
	}
	if l.Window == 0 {
		l.Window = 10 * time.Minute
	}
	return l
}

package dedup

import (
	"cmp"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/check"
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
	if l.MaxBytes < leastBytes {
		return fmt.Errorf("Dedup.MaxBytes: %d must be at least %d", l.MaxBytes, leastBytes)
	}
	return cmp.Or(check.NotNegative("Dedup.MaxReplies", l.MaxReplies), check.NotNegative("Dedup.Window", l.Window))
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

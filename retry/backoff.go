package retry

import (
	"fmt"
	"time"
)

// What the zero fields of a Backoff mean, unless its kind is none.
const (
	DefaultBase = 100 * time.Millisecond
	DefaultCap  = 30 * time.Second
)

// A Backoff is the pause between two attempts. The zero value is no pause.
type Backoff struct {
	// Kind says how pauses grow.
	Kind BackoffKind `json:"kind,omitzero"`
	// Base is the first pause, before jitter. 0 means 100 ms.
	Base time.Duration `json:"base,omitzero"`
	// Cap is the longest pause, after jitter. 0 means 30 s, or Base if that is
	// more.
	Cap time.Duration `json:"cap,omitzero"`
	// Jitter spreads the pauses of calls that failed together.
	Jitter Jitter `json:"jitter,omitzero"`
	// Seed makes pauses repeatable: they depend on it, on the call's number and
	// on the attempt's, and on nothing else. 0 means different ones in each life
	// of a process.
	Seed uint64 `json:"seed,omitzero"`
}

// A BackoffKind says how pauses grow.
type BackoffKind uint8

const (
	NoBackoff   BackoffKind = iota
	Constant                // always Base
	Exponential             // Base, 2 Base, 4 Base, ...
	// Decorrelated is anything from Base to three times the pause before, which
	// is a jitter of its own. (Brooker: Exponential Backoff And Jitter, AWS
	// Architecture Blog, 2015: sleep = min(cap, random_between(base, sleep*3)).)
	Decorrelated
)

var backoffKinds = [...]string{"none", "constant", "exponential", "decorrelated"}

func (k BackoffKind) String() string { return backoffKinds[k] }

// MarshalText writes what UnmarshalText reads.
func (k BackoffKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a kind's name.
func (k *BackoffKind) UnmarshalText(text []byte) error {
	for i, name := range backoffKinds {
		if name == string(text) {
			*k = BackoffKind(i)
			return nil
		}
	}
	return fmt.Errorf("%q is none of none, constant, exponential, decorrelated", text)
}

// WithDefaults returns b with its zero Base and Cap replaced by what they mean. If
// the kind is none, it returns b.
func (b Backoff) WithDefaults() Backoff {
	if b.Kind == NoBackoff {
		return b
	}
	if b.Base <= 0 {
		b.Base = DefaultBase
	}
	if b.Cap <= 0 {
		b.Cap = max(DefaultCap, b.Base)
	}
	return b
}

func (b *Backoff) validate() error {
	switch full := b.WithDefaults(); {
	case int(b.Kind) >= len(backoffKinds):
		return fmt.Errorf("kind: %d is no kind of backoff", b.Kind)
	case b.Kind == NoBackoff && *b != (Backoff{}):
		return fmt.Errorf("kind: none has no base, cap, jitter or seed")
	case b.Base < 0:
		return fmt.Errorf("base: %v is not over 0s", b.Base)
	case b.Cap < 0:
		return fmt.Errorf("cap: %v is not over 0s", b.Cap)
	case full.Cap < full.Base:
		return fmt.Errorf("cap: %v is less than the base, %v", full.Cap, full.Base)
	case b.Kind == Decorrelated && b.Jitter != Jitter{}:
		return fmt.Errorf("jitter: decorrelated has its own")
	}
	if err := b.Jitter.validate(); err != nil {
		return fmt.Errorf("jitter: %w", err)
	}
	return nil
}

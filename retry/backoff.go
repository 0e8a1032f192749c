package retry

import (
	"fmt"
	"time"
)

// The defaults of Backoff.
const (
	DefaultBase = 100 * time.Millisecond
	DefaultCap  = 30 * time.Second
)

// A Backoff is the pause before every attempt but the first. The zero value is no
// pause.
type Backoff struct {
	// Kind says how the pauses grow.
	Kind BackoffKind `json:"kind,omitzero"`
	// Base is the first pause. 0 means 100 ms.
	Base time.Duration `json:"base,omitzero"`
	// Cap is the longest pause, after jitter. 0 means 30 s, or Base if that is
	// more.
	Cap time.Duration `json:"cap,omitzero"`
	// Jitter spreads the pauses of calls that fail at the same time.
	Jitter Jitter `json:"jitter,omitzero"`
	// Seed makes pauses repeatable: they depend only on the seed, on the number of
	// the call and on the number of the attempt. 0 means another random seed in
	// each incarnation of a node.
	Seed uint64 `json:"seed,omitzero"`
}

// A BackoffKind says how pauses grow.
type BackoffKind uint8

const (
	NoBackoff   BackoffKind = iota // no pause
	Constant                       // Base each time
	Exponential                    // Base, 2 Base, 4 Base, ...
	// Decorrelated is random: from Base to three times the previous pause. It needs
	// no other jitter. (Brooker: Exponential Backoff And Jitter, AWS Architecture
	// Blog, 2015: sleep = min(cap, random_between(base, sleep*3)).)
	Decorrelated
)

var backoffKinds = []string{"none", "constant", "exponential", "decorrelated"}

// String returns the name of the kind, such as "exponential".
func (k BackoffKind) String() string {
	text, _ := name("backoff kind", uint8(k), backoffKinds)
	return text
}

// MarshalText returns the name of the kind.
func (k BackoffKind) MarshalText() ([]byte, error) {
	text, err := name("backoff kind", uint8(k), backoffKinds)
	return []byte(text), err
}

// UnmarshalText reads the name of a kind.
func (k *BackoffKind) UnmarshalText(text []byte) error {
	for i, name := range backoffKinds {
		if name == string(text) {
			*k = BackoffKind(i)
			return nil
		}
	}
	return fmt.Errorf("%q must be %s", text, rule("backoff.kind"))
}

// WithDefaults returns b with a zero Base or Cap replaced by its default. If there
// is no backoff, it returns b.
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

// validate checks b, which is in a field of a policy.
func (b *Backoff) validate(field string) error {
	switch {
	case *b == Backoff{}:
		return nil
	case b.Kind > Decorrelated:
		return invalid(field+".kind", uint8(b.Kind))
	case b.Base < 0:
		return invalid(field+".base", b.Base)
	case b.Cap < 0:
		return invalid(field+".cap", b.Cap)
	case !b.Jitter.valid():
		return invalid(field+".jitter", b.Jitter)
	case b.Kind == NoBackoff:
		return wrong(field+".kind", "must be constant, exponential or decorrelated if another field of %s is set", field)
	case b.Kind == Decorrelated && b.Jitter != NoJitter:
		return wrong(field+".jitter", "%v must be left out if kind is decorrelated, which is random itself", b.Jitter)
	}
	if full := b.WithDefaults(); full.Cap < full.Base {
		return wrong(field+".cap", "%v must be at least the base, %v", full.Cap, full.Base)
	}
	return nil
}

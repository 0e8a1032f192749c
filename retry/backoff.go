package retry

import (
	"fmt"
	"math"
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

// Pause is the pause after attempt number n, from 1 on. before is the pause that
// the same call made last, 0 if none; it matters to Decorrelated alone. random
// is 64 random bits.
func (b *Backoff) Pause(n int, before time.Duration, random uint64) time.Duration {
	u := float64(random>>11) / (1 << 53)
	switch b.Kind {
	case NoBackoff:
		return 0
	case Decorrelated:
		low, high := b.base(), times(max(before, b.base()), 3)
		return min(b.cap(), stretch(low, 1)+stretch(high-low, u))
	}
	return min(b.cap(), b.Jitter.at(b.grown(n), u))
}

// grown is the pause after attempt n before jitter.
func (b *Backoff) grown(n int) time.Duration {
	d := b.base()
	if b.Kind == Exponential {
		for ; n > 1 && d < b.cap(); n-- {
			d = times(d, 2)
		}
	}
	return min(d, b.cap())
}

// longest is the longest that the pause after attempt n can be.
func (b *Backoff) longest(n int) time.Duration {
	d := b.base()
	if b.Kind == Decorrelated {
		for ; n > 0 && d < b.cap(); n-- {
			d = times(d, 3)
		}
		return min(d, b.cap())
	}
	return b.Pause(n, 0, math.MaxUint64)
}

func (b *Backoff) base() time.Duration {
	if b.Base <= 0 {
		return DefaultBase
	}
	return b.Base
}

func (b *Backoff) cap() time.Duration {
	if b.Cap <= 0 {
		return max(DefaultCap, b.base())
	}
	return b.Cap
}

func (b *Backoff) validate() error {
	switch {
	case int(b.Kind) >= len(backoffKinds):
		return fmt.Errorf("kind: %d is no kind of backoff", b.Kind)
	case b.Kind == NoBackoff && *b != (Backoff{}):
		return fmt.Errorf("kind: none has no base, cap, jitter or seed")
	case b.Base < 0:
		return fmt.Errorf("base: %v is not over 0s", b.Base)
	case b.Cap < 0:
		return fmt.Errorf("cap: %v is not over 0s", b.Cap)
	case b.cap() < b.base():
		return fmt.Errorf("cap: %v is less than the base, %v", b.cap(), b.base())
	case b.Kind == Decorrelated && b.Jitter != Jitter{}:
		return fmt.Errorf("jitter: decorrelated has its own")
	}
	if err := b.Jitter.validate(); err != nil {
		return fmt.Errorf("jitter: %w", err)
	}
	return nil
}

// mix makes 64 bits of x that look random: the finalizer of SplitMix64 (Steele,
// Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

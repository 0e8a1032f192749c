package retry

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// A Jitter multiplies a pause by a random factor from Low to High, each as likely
// as the other. The zero value is no jitter. Its JSON form is "none", "full",
// "equal", or a number f for a factor from 1-f to 1+f.
//
// A kind and a fraction side by side were declined: every kind is two bounds, and
// these are what the arithmetic needs.
type Jitter struct{ Low, High float64 }

// The kinds of jitter (Brooker: Exponential Backoff And Jitter, 2015).
var (
	NoJitter    = Jitter{}
	FullJitter  = Jitter{0, 1}
	EqualJitter = Jitter{0.5, 1}
)

// PlusMinus is the jitter that makes pauses longer or shorter by a fraction f of
// themselves at most; f is over 0 and at most 1.
func PlusMinus(f float64) Jitter { return Jitter{1 - f, 1 + f} }

func (j Jitter) validate() error {
	if j == NoJitter || j.Low >= 0 && j.Low <= j.High && j.High <= 2 && j.High > 0 {
		return nil
	}
	return fmt.Errorf("a factor from %v to %v does not lie from 0 to 2", j.Low, j.High)
}

// String is the JSON form without quotes.
func (j Jitter) String() string {
	switch j {
	case NoJitter:
		return "none"
	case FullJitter:
		return "full"
	case EqualJitter:
		return "equal"
	}
	// Rounded, for 1+0.1 and back is not 0.1.
	return strconv.FormatFloat(math.Round((j.High-1)*1e12)/1e12, 'g', -1, 64)
}

// MarshalJSON writes what UnmarshalJSON reads. A jitter that has no such form is
// an error.
func (j Jitter) MarshalJSON() ([]byte, error) {
	text := j.String()
	if j == NoJitter || j == FullJitter || j == EqualJitter {
		return strconv.AppendQuote(nil, text), nil
	}
	if math.Abs(j.Low+j.High-2) > 1e-12 {
		return nil, fmt.Errorf("a factor from %v to %v has no JSON form", j.Low, j.High)
	}
	return []byte(text), nil
}

// UnmarshalJSON reads a kind's name or a fraction.
func (j *Jitter) UnmarshalJSON(text []byte) error {
	for _, known := range []Jitter{NoJitter, FullJitter, EqualJitter} {
		if string(text) == `"`+known.String()+`"` {
			*j = known
			return nil
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if jsontext.Value(text).Kind() != '0' || err != nil || !(f > 0 && f <= 1) {
		return errors.New(string(text) + ` is neither "none", "full", "equal" nor a fraction over 0 and at most 1`)
	}
	*j = PlusMinus(f)
	return nil
}

package retry

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Jitter multiplies each pause by a random factor, uniform from Low to High, both
// from 0 to 2. The zero value is no jitter. Its JSON form is "none", "full",
// "equal", a number f for the factors from 1-f to 1+f, or [Low, High].
//
// Two bounds describe every kind of jitter, so there is no field for the kind.
type Jitter struct{ Low, High float64 }

// The jitters that have a name (Brooker: Exponential Backoff And Jitter, AWS
// Architecture Blog, 2015).
var (
	NoJitter    = Jitter{}
	FullJitter  = Jitter{0, 1}
	EqualJitter = Jitter{0.5, 1}
)

// PlusMinus returns the jitter that makes a pause longer or shorter by at most the
// fraction f of it, where f is from 0 to 1. PlusMinus(0) is NoJitter.
func PlusMinus(f float64) Jitter {
	if f == 0 {
		return NoJitter
	}
	return Jitter{1 - f, 1 + f}
}

func (j Jitter) valid() bool {
	return j == NoJitter || 0 <= j.Low && j.Low <= j.High && 0 < j.High && j.High <= 2
}

// String returns the JSON form without quotes.
func (j Jitter) String() string {
	if name, ok := j.name(); ok {
		return name
	}
	// 1+0.1-1 is not 0.1, so rounding comes first.
	for _, f := range []float64{math.Round((j.High-1)*1e12) / 1e12, j.High - 1, 1 - j.Low} {
		if f > 0 && f <= 1 && PlusMinus(f) == j {
			return shortest(f)
		}
	}
	return "[" + shortest(j.Low) + "," + shortest(j.High) + "]"
}

// shortest returns the shortest text from which f can be read again.
func shortest(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func (j Jitter) name() (name string, ok bool) {
	switch j {
	case NoJitter:
		return "none", true
	case FullJitter:
		return "full", true
	case EqualJitter:
		return "equal", true
	}
	return "", false
}

// MarshalJSON writes what UnmarshalJSON reads.
func (j Jitter) MarshalJSON() ([]byte, error) {
	if !j.valid() {
		return nil, fmt.Errorf("jitter %v has no JSON form", j)
	}
	text := j.String()
	if _, ok := j.name(); ok {
		return strconv.AppendQuote(nil, text), nil
	}
	return []byte(text), nil
}

// UnmarshalJSON reads a name, a fraction or two factors.
func (j *Jitter) UnmarshalJSON(text []byte) error {
	for _, known := range []Jitter{NoJitter, FullJitter, EqualJitter} {
		if string(text) == strconv.Quote(known.String()) {
			*j = known
			return nil
		}
	}
	var fraction float64
	var factors []float64
	read := Jitter{High: -1}
	switch jsontext.Value(text).Kind() {
	case '[':
		if err := json.Unmarshal(text, &factors); err == nil && len(factors) == 2 && !bytes.Contains(text, []byte("null")) {
			read = Jitter{factors[0], factors[1]}
		}
	case '0':
		if err := json.Unmarshal(text, &fraction); err == nil && fraction > 0 {
			read = PlusMinus(fraction)
		}
	}
	if !read.valid() {
		return errors.New(string(text) + " must be " + rule("backoff.jitter"))
	}
	*j = read
	return nil
}

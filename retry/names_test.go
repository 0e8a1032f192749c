package retry

import (
	"encoding"
	"fmt"
	"testing"
)

// A name becomes its value and the other way round. A value without a name has a text
// too, and no JSON form.
func TestNames(t *testing.T) {
	type value interface {
		fmt.Stringer
		encoding.TextMarshaler
	}
	for want, v := range map[string]value{
		"accept": Accept, "ignore": Ignore,
		"none": NoBackoff, "constant": Constant, "exponential": Exponential, "decorrelated": Decorrelated,
	} {
		if text, err := v.MarshalText(); v.String() != want || string(text) != want || err != nil {
			t.Errorf("%v became %s, %v; want %s", v, text, err, want)
		}
		var err error
		var again value
		switch v.(type) {
		case Late:
			var l Late
			err = l.UnmarshalText([]byte(want))
			again = l
		case BackoffKind:
			var k BackoffKind
			err = k.UnmarshalText([]byte(want))
			again = k
		}
		if err != nil || again != v {
			t.Errorf("%s became %v, %v", want, again, err)
		}
	}
	for want, v := range map[string]value{"late 2": Late(2), "late 255": Late(255), "backoff kind 7": BackoffKind(7)} {
		if text, err := v.MarshalText(); v.String() != want || err == nil {
			t.Errorf("%v became %s, %v; want %s and an error", v, text, err, want)
		}
	}
	for _, text := range []string{"", "Accept", "accept ", "0"} {
		late, kind := Ignore, Constant
		if err := late.UnmarshalText([]byte(text)); err == nil || late != Ignore {
			t.Errorf("%q became %v", text, late)
		}
		if err := kind.UnmarshalText([]byte(text)); err == nil || kind != Constant {
			t.Errorf("%q became %v", text, kind)
		}
	}
}

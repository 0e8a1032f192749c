package retry

import (
	"math"
	"testing"
)

func TestJitterJSON(t *testing.T) {
	for text, want := range map[string]Jitter{
		`"none"`: NoJitter, `"full"`: FullJitter, `"equal"`: EqualJitter, `0.1`: PlusMinus(0.1), `1`: PlusMinus(1),
		`0.33333333333333326`: PlusMinus(1. / 3), `[0.1,0.2]`: {0.1, 0.2}, `[1,1]`: {1, 1},
	} {
		got, err := want.MarshalJSON()
		if err != nil || string(got) != text {
			t.Errorf("%v became %s, %v; want %s", want, got, err, text)
		}
		var again Jitter
		if err := again.UnmarshalJSON([]byte(text)); err != nil || again != want {
			t.Errorf("%s became %v, %v", text, again, err)
		}
	}
	for _, text := range []string{
		``, `0`, `-0.1`, `1.1`, `"half"`, `""`, `null`, `true`, `{}`, `1e999`, `"0.5"`,
		`[]`, `[1]`, `[0,1,2]`, `[0.2,0.1]`, `[-0.1,1]`, `[0,2.1]`, `[null,1]`, `["0",1]`,
	} {
		var j Jitter
		if err := j.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s became %v", text, j)
		}
	}
	for _, j := range []Jitter{{-1, 1}, {1, 3}, {2, 1}, {math.NaN(), 1}, {0, math.Inf(1)}} {
		if text, err := j.MarshalJSON(); err == nil {
			t.Errorf("%v became %s", j, text)
		}
	}
}

func TestPlusMinus0IsNoJitter(t *testing.T) {
	if j := PlusMinus(0); j != NoJitter {
		t.Errorf("%#v", j)
	}
}

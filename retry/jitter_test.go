package retry

import "testing"

func TestJitterText(t *testing.T) {
	for text, want := range map[string]Jitter{
		`"none"`: NoJitter, `"full"`: FullJitter, `"equal"`: EqualJitter, `0.1`: PlusMinus(0.1), `1`: PlusMinus(1),
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
	for _, text := range []string{`0`, `-0.1`, `1.1`, `"half"`, `""`, `null`, `[]`, `1e999`, `"0.5"`} {
		var j Jitter
		if err := j.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s became %v", text, j)
		}
	}
	if text, err := (Jitter{0.1, 0.2}).MarshalJSON(); err == nil {
		t.Errorf("became %s", text)
	}
}

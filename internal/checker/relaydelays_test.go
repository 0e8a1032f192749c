package checker

import (
	"strings"
	"testing"
	"time"
)

// Delays are too long if their median or their slowest quarter is.
func TestDelaysTooLong(t *testing.T) {
	const limit = 500 * time.Millisecond
	for _, test := range []struct {
		fast, slow int // how many delays are 1 ms, and how many delay
		delay      time.Duration
		want       string
	}{
		{20, 0, 0, ""},
		{2, 2, 3 * time.Second, ""}, // too few
		{2, 3, 600 * time.Millisecond, "median"},
		{60, 40, 3 * time.Second, "quarter"},
		{60, 40, 900 * time.Millisecond, ""},
		{80, 20, 3 * time.Second, ""},
		{6, 4, 3 * time.Second, ""}, // too few
	} {
		var d delays
		for i := range test.fast + test.slow {
			delay := time.Millisecond
			if i < test.slow {
				delay = test.delay
			}
			d.all = append(d.all, delay)
		}
		if got := d.tooLong(limit); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

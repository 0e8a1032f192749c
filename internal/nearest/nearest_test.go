package nearest

import "testing"

func TestName(t *testing.T) {
	names := []string{"echo", "time-limit", "loss", "log-stderr"}
	for typed, want := range map[string]string{"ech": "echo", "ehco": "echo", "tme-limit": "time-limit", "los": "loss", "log-std": "log-stderr", "x": "", "lo": "", "rate": ""} {
		if got := Name(typed, names); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

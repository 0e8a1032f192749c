package main

import (
	"testing"
	"time"
)

// A time may have a unit. A plain number is in seconds.
func TestParseTime(t *testing.T) {
	for text, want := range map[string]time.Duration{"1": time.Second, "1s": time.Second, "500ms": 500 * time.Millisecond, "0.5": 500 * time.Millisecond, "-1": -time.Second, "1e3": 1000 * time.Second} {
		if got, err := parseTime(text); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if got, err := parseSeconds(text); got != want.Seconds() || err != nil {
			t.Errorf("%q: %v s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "soon", "1 s", "NaN", "1e300"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Every flag has a placeholder that says what it takes.
func TestPlaceholders(t *testing.T) {
	all := 0
	for _, command := range newParser(&cli{}).Model.Leaves(false) {
		for _, group := range command.AllFlags(false) {
			for _, f := range group {
				switch f.FormatPlaceHolder() {
				case "", "STRING", "INT", "FLOAT-64", "UINT-64", "DURATION":
					t.Errorf("eddy %s --%s=%s", command.Name, f.Name, f.FormatPlaceHolder())
				}
				all++
			}
		}
	}
	if all < 50 {
		t.Errorf("there are only %d flags", all)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"echo", "time-limit", "loss", "log-stderr"}
	for typed, want := range map[string]string{"ech": "echo", "ehco": "echo", "tme-limit": "time-limit", "los": "loss", "log-std": "log-stderr", "x": "", "lo": "", "rate": ""} {
		if got := nearest(typed, names); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

package main

import (
	"strings"
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

// words are the placeholders of flags that name what a value is. Those with an example, such as
// HOST:PORT, are made of them.
var words = map[string]bool{
	"N": true, "TIME": true, "SHARE": true, "BYTES": true, "LATENCY": true,
	"NAME": true, "NAMES": true, "PROGRAM": true, "FILE": true, "DIR": true, "PATH": true, "FILE|PRESET": true,
	"URLS": true, "ADDR": true, "PORT": true, "HOST:PORT": true, "HOSTS": true,
	"FAULT": true, "MEANING": true, "KIND:VALUE": true, "FROM:FOR": true, "GOALS": true, "BOUNDS": true,
	"n1:n2:loss=0.5,latency=200": true,
}

// Every flag that takes a value has a placeholder that says what it takes: a word of the list, or
// all values that it may have.
func TestPlaceholders(t *testing.T) {
	commands, all := map[string]bool{}, 0
	for _, command := range newParser(&cli{}).Model.Leaves(false) {
		commands[command.Name] = true
		for _, group := range command.AllFlags(false) {
			for _, f := range group {
				if f.IsBool() {
					continue
				}
				all++
				shown := strings.TrimSuffix(f.PlaceHolder, ",...")
				if !words[shown] && (f.Enum == "" || shown != strings.Trim(strings.ReplaceAll(f.Enum, ",", "|"), "|")) {
					t.Errorf("eddy %s --%s=%s", command.Name, f.Name, f.PlaceHolder)
				}
			}
		}
	}
	if all < 100 || len(commands) < 15 {
		t.Errorf("there are only %d flags of %d commands", all, len(commands))
	}
}

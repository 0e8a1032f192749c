package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// On a terminal a bar tells how far many calls are, after a second and then ten times
// a second, and leaves nothing behind.
func TestProgressBar(t *testing.T) {
	person, program := openTerminal(t)
	b := newProgressBar(program)
	b.begin("calls", 200) // within the first second nothing is shown
	b.started = b.started.Add(-2 * time.Second)
	b.show(50)
	b.last = time.Now().Add(time.Hour)
	b.show(60) // too soon
	b.last = time.Time{}
	b.show(200)
	b.clear()
	program.WriteString("#")

	bar := func(full int, percent string) string {
		return clearLine + "[" + strings.Repeat("#", full) + strings.Repeat(" ", 30-full) + "] " + percent + " %  calls"
	}
	want := bar(7, " 25") + bar(30, "100") + clearLine + "#"
	var shown []byte
	for buffer := make([]byte, 4096); !bytes.HasSuffix(shown, []byte(clearLine+"#")); {
		n, err := person.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, buffer[:n]...)
	}
	if string(shown) != want {
		t.Errorf("got  %q\nwant %q", shown, want)
	}
}

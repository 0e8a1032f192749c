package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// On a terminal a status line is as wide as the terminal at most.
func TestStatusLineOnTerminal(t *testing.T) {
	person, program := openTerminal(t) // of 120 columns
	l := newStatusLine(program)
	l.say(strings.Repeat("pause ", 30))
	l.clear()
	program.WriteString("#")

	want := clearLine + strings.Repeat("pause ", 30)[:119] + clearLine + "#"
	var shown []byte
	for buffer := make([]byte, 4096); !bytes.HasSuffix(shown, []byte("#")); {
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

func TestNoStatusLineInAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := newStatusLine(f)
	l.say("starting")
	l.show(0, func() string { return "going" })
	l.clear()
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%v bytes, %v", info.Size(), err)
	}
}

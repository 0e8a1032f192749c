package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
)

// On a terminal one line tells how a test goes, ten times a second, and leaves
// nothing behind.
func TestLiveLine(t *testing.T) {
	person, program := openTerminal(t)
	l := newLiveLine(program)
	p := runner.Progress{At: 1200 * time.Millisecond, OK: 17, Fail: 2, Indefinite: 1, Messages: 40, Faults: []string{"partition one n1", "slow n2"}}
	l.show(p)
	p.At, p.OK = p.At+50*time.Millisecond, 18 // too soon to be shown
	l.show(p)
	p.At, p.OK = p.At+50*time.Millisecond, 19
	p.Faults = []string{strings.Repeat("pause ", 30)} // more than the 120 columns hold
	l.show(p)
	l.clear()
	program.WriteString("#")

	want := clearLine + "  1.2s  17 ok  2 failed  1 indefinite  40 messages  partition one n1, slow n2" + clearLine
	long := "  1.3s  19 ok  2 failed  1 indefinite  40 messages  " + strings.Repeat("pause ", 30)
	want += long[:119] + clearLine + "#"
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

func TestNoLiveLineInAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := newLiveLine(f)
	l.show(runner.Progress{At: time.Second})
	l.clear()
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%v bytes, %v", info.Size(), err)
	}
}

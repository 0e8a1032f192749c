package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

// newTestLine returns a status line of a terminal that is so wide, and what it
// shows.
func newTestLine(width int) (*statusLine, *strings.Builder) {
	var shown strings.Builder
	return &statusLine{to: &shown, width: func() int { return width }}, &shown
}

// A status line is shown at most ten times a second, and leaves nothing behind.
func TestStatusLine(t *testing.T) {
	l, shown := newTestLine(80)
	p := trial.Progress{At: 1200 * time.Millisecond, OK: 17, Fail: 2, Indefinite: 1, Messages: 40, Faults: []string{"partition one n1", "slow n2"}}
	for range 3 {
		l.show(p.At, func() string { return testStatus(&p) })
		p.At, p.OK = p.At+50*time.Millisecond, p.OK+1
		p.Faults = nil
	}
	l.clear()
	want := clearLine + "  1.2s  17 ok  2 failed  1 indefinite  40 messages  partition one n1, slow n2" +
		clearLine + "  1.3s  19 ok  2 failed  1 indefinite  40 messages  " + clearLine
	if got := shown.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A line is cut at a character, and before the terminal's last column.
func TestStatusLineFits(t *testing.T) {
	for _, test := range []struct {
		line  string
		width int
		want  string
	}{
		{"abcdef", 7, "abcdef"},
		{"abcdef", 6, "abcde"},
		{"slow né", 8, "slow n"},
		{"slow né", 9, "slow né"},
		{"slow 日本", 8, "slow 日"},
		{"日本", 1, ""},
		{"abcdef", 0, "abcdef"}, // the width is not known
	} {
		l, shown := newTestLine(test.width)
		l.say(test.line)
		if got := strings.TrimPrefix(shown.String(), clearLine); got != test.want {
			t.Errorf("%q on %d columns: got %q, want %q", test.line, test.width, got, test.want)
		}
	}
}

// A line of a task that takes long says how long it has taken.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, shown := newTestLine(80)
		done := l.busy("checking")
		time.Sleep(2500 * time.Millisecond)
		done()
		time.Sleep(5 * time.Second)
		if want := clearLine + "checking" + clearLine + "checking, 1 s" + clearLine + "checking, 2 s" + clearLine; shown.String() != want {
			t.Errorf("got  %q\nwant %q", shown.String(), want)
		}
	})
}

// A bar is shown after a second, and then ten times a second.
func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, shown := newTestLine(80)
		show := l.bar("calls", 200)
		show(20)
		time.Sleep(time.Second)
		show(50)
		time.Sleep(50 * time.Millisecond)
		show(60) // too soon
		time.Sleep(50 * time.Millisecond)
		show(200)
		l.bar("other calls", 0)(3) // too soon
		time.Sleep(100 * time.Millisecond)
		l.bar("other calls", 0)(3)
		l.clear()
		bar := func(full int, percent string) string {
			return clearLine + "[" + strings.Repeat("#", full) + strings.Repeat(" ", 30-full) + "] " + percent + " %  calls"
		}
		if want := bar(7, " 25") + bar(30, "100") + clearLine + "other calls" + clearLine; shown.String() != want {
			t.Errorf("got  %q\nwant %q", shown.String(), want)
		}
	})
}

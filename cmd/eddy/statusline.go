package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/eddyrpc/eddy/internal/trial"
)

const (
	// clearLine moves to the terminal's left edge and clears the line.
	clearLine = "\r\x1b[K"

	// statusInterval is the least time between two status lines.
	statusInterval = 100 * time.Millisecond

	// barDelay is how long a task takes before its bar is shown.
	barDelay = time.Second
)

// A statusLine is the last line of a terminal. It shows how far a command is, and
// is cleared in the end. Without a terminal it shows nothing.
type statusLine struct {
	to    io.Writer
	width func() int // the terminal's columns; nil without a terminal
	next  time.Duration
	began time.Time
}

func newStatusLine(to *os.File) *statusLine {
	l := &statusLine{to: to}
	if fd := int(to.Fd()); term.IsTerminal(fd) {
		l.width = func() int { width, _, _ := term.GetSize(fd); return width }
	}
	return l
}

// show shows the line that text returns. It may be called often: at says when, and
// most calls show nothing.
func (l *statusLine) show(at time.Duration, text func() string) {
	if l.width == nil || at < l.next {
		return
	}
	l.next = at + statusInterval
	l.say(text())
}

// say shows a line at once.
func (l *statusLine) say(text string) {
	if l.width != nil {
		io.WriteString(l.to, clearLine+fit(text, l.width()))
	}
}

// busy shows a line, and how many seconds it has been shown, until done is called, which
// clears the line.
func (l *statusLine) busy(text string) (done func()) {
	if l.width == nil {
		return func() {}
	}
	l.say(text)
	end := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for seconds := 1; ; seconds++ {
			select {
			case <-second.C:
				l.say(fmt.Sprintf("%s, %d s", text, seconds))
			case <-end:
				return
			}
		}
	})
	return func() {
		close(end)
		shown.Wait()
		l.clear()
	}
}

func (l *statusLine) clear() {
	if l.width != nil {
		io.WriteString(l.to, clearLine)
	}
}

// fit returns as much of a line as fits a terminal: a line that is longer takes two,
// and only one of them is cleared. Characters beyond ASCII may take two columns.
func fit(line string, width int) string {
	if width <= 0 {
		return line
	}
	columns := 0
	for i, r := range line {
		columns++
		if r >= utf8.RuneSelf {
			columns++
		}
		if columns >= width {
			return line[:i]
		}
	}
	return line
}

// testStatus is the status line of a test.
func testStatus(p *trial.Progress) string {
	return fmt.Sprintf("%5.1fs  %d ok  %d failed  %d indefinite  %d messages  %s",
		p.At.Seconds(), p.OK, p.Fail, p.Indefinite, p.Messages, strings.Join(p.Faults, ", "))
}

// bar returns a function that shows how much of a task is done. all is 0 if the
// task's size is not known. The function always returns false.
func (l *statusLine) bar(name string, all int) func(done int) (stop bool) {
	if l.began.IsZero() {
		l.began = time.Now()
	}
	return func(done int) bool {
		if at := time.Since(l.began); at >= barDelay {
			l.show(at, func() string { return barText(name, done, all) })
		}
		return false
	}
}

func barText(name string, done, all int) string {
	if all <= 0 {
		return name
	}
	const width = 30
	full := min(done*width/all, width)
	return fmt.Sprintf("[%s%s] %3d %%  %s", strings.Repeat("#", full), strings.Repeat(" ", width-full), min(done*100/all, 100), name)
}

package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
)

// clearLine goes to the terminal's left edge and clears what is there.
const clearLine = "\r\x1b[K"

// A liveLine is a line on a terminal that tells how a test goes. Where there is
// no terminal it stays empty.
type liveLine struct {
	to   *os.File
	on   bool
	last time.Duration
}

func newLiveLine(to *os.File) *liveLine { return &liveLine{to: to, on: term.IsTerminal(int(to.Fd()))} }

// show is called often and shows some of it.
func (l *liveLine) show(p runner.Progress) {
	if !l.on || p.At-l.last < 100*time.Millisecond {
		return
	}
	l.last = p.At
	line := fmt.Sprintf("%5.1fs  %d ok  %d failed  %d indefinite  %d messages  %s",
		p.At.Seconds(), p.OK, p.Fail, p.Indefinite, p.Messages, strings.Join(p.Faults, ", "))
	fmt.Fprint(l.to, clearLine, fitting(l.to, line))
}

// say shows what goes on before the test does.
func (l *liveLine) say(text string) {
	if l.on {
		fmt.Fprint(l.to, clearLine, fitting(l.to, text))
	}
}

// fitting is as much of a line as fits a terminal. What goes over its edge would be
// a line that is not cleared.
func fitting(to *os.File, line string) string {
	if width, _, err := term.GetSize(int(to.Fd())); err == nil && width > 0 && len(line) >= width {
		return line[:width-1]
	}
	return line
}

func (l *liveLine) clear() {
	if l.on {
		fmt.Fprint(l.to, clearLine)
	}
}

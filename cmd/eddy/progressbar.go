package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// A progressBar is a line on a terminal that tells how far something is which
// takes more than a second. Where there is no terminal it stays empty.
type progressBar struct {
	to      *os.File
	on      bool
	started time.Time
	last    time.Time
	name    string
	all     int
}

func newProgressBar(to *os.File) *progressBar {
	return &progressBar{to: to, on: term.IsTerminal(int(to.Fd())), started: time.Now()}
}

// begin says what is done from now on, and how much there is of it; 0 if that is
// not known.
func (b *progressBar) begin(name string, all int) {
	b.name, b.all = name, all
	b.show(0)
}

// show is called often and shows some of it. It never stops anything.
func (b *progressBar) show(done int) (stop bool) {
	now := time.Now()
	if !b.on || now.Sub(b.started) < time.Second || now.Sub(b.last) < 100*time.Millisecond {
		return false
	}
	b.last = now
	const width = 30
	text := b.name
	if b.all > 0 {
		full := min(done*width/b.all, width)
		text = fmt.Sprintf("[%s%s] %3d %%  %s", strings.Repeat("#", full), strings.Repeat(" ", width-full), min(done*100/b.all, 100), b.name)
	}
	fmt.Fprint(b.to, clearLine, fitting(b.to, text))
	return false
}

func (b *progressBar) clear() {
	if b.on {
		fmt.Fprint(b.to, clearLine)
	}
}

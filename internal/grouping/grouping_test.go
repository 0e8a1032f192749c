package grouping

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/eddyrpc/eddy/internal/sim"
)

// TestCalls prints to which call each message of a journal belongs.
func TestCalls(t *testing.T) {
	datadriven.RunTest(t, "testdata/calls", func(t *testing.T, d *datadriven.TestData) string {
		j := readShort(t, d.Input)
		g := Find(j, 500*time.Millisecond)
		var b strings.Builder
		for m := range j.All() {
			fmt.Fprintf(&b, "%s %s>%s %s", m.Sent, m.Src, m.Dest, m.Type)
			if c := g.Of[m.Index]; c != 0 {
				fmt.Fprintf(&b, ": call %d", c)
				if p := g.Calls[c].Parent; p != 0 {
					fmt.Fprintf(&b, ", for call %d", p)
				}
				if timeout := g.Calls[c].Timeout; timeout != 0 {
					fmt.Fprintf(&b, ", %v", timeout)
				}
			}
			b.WriteByte('\n')
		}
		return b.String()
	})
}

// readShort parses lines such as
//
//	5 8 c1>n1 {"type":"echo","msg_id":1}
//
// with the times of sending and delivery in ms, or x for a lost message. It numbers the
// steps in the order of the times.
func readShort(t *testing.T, text string) *sim.Journal {
	t.Helper()
	type line struct {
		sent, done int
		link       [2]string
		lost       bool
		body       string
	}
	var lines []line
	var times []int
	for raw := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSpace(raw), " ", 4)
		var l line
		fmt.Sscan(fields[0], &l.sent)
		if l.lost = fields[1] == "x"; l.lost {
			l.done = l.sent
		} else {
			fmt.Sscan(fields[1], &l.done)
		}
		l.link[0], l.link[1], _ = strings.Cut(fields[2], ">")
		l.body = fields[3]
		lines = append(lines, l)
		times = append(times, l.sent, l.done)
	}
	step := func(line, which int) int { // in the order of times, then of lines
		n, own := 1, times[2*line+which]
		for i, at := range times {
			if at < own || at == own && i < 2*line+which {
				n++
			}
		}
		return n
	}
	var b strings.Builder
	for i, l := range lines {
		fate := "delivered"
		if l.lost {
			fate = "lost"
		}
		fmt.Fprintf(&b, `{"message":%d,"src":%q,"dest":%q,"sent_ns":%d,"step":%d,"fate":%q,"done_ns":%d,"done_step":%d,"body":%s}`+"\n",
			i, l.link[0], l.link[1], l.sent*1e6, step(i, 0), fate, l.done*1e6, step(i, 1), l.body)
	}
	j, err := sim.ReadJournal(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

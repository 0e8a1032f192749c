package report

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// A Picture says what messages.svg shows: a space-time diagram (Lamport, CACM
// 1978), one column a node, real time downward.
//
// It shows a window. All of a test would be tens of thousands of lines, of which
// nobody can read one; the beginning of a test is where nothing happens yet.
type Picture struct {
	Nodes []string // in the order of their columns
	Mark  *Mark    // what the window is around; nil for the first fault, or the beginning
	Limit int      // how many messages are shown at most; 0 means 120
}

// A Mark is the first thing that went wrong.
type Mark struct {
	At     time.Duration
	Record int // the message that shows it, by its index in the journal, or -1
	Text   string

	// Involved are all messages that one must see to understand it, ascending:
	// those of the call that went wrong. They are shown however many lie between.
	Involved []int
}

const defaultLimit = 120

// Messages writes the picture.
func Messages(w io.Writer, j *sim.Journal, p Picture) error {
	d := newDiagram(j, p)
	d.draw()
	_, err := w.Write(d.svg.Bytes())
	return err
}

// newDiagram chooses the window and lays out the columns.
func newDiagram(j *sim.Journal, p Picture) *diagram {
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	d := &diagram{journal: j, picture: p}
	d.choose(window(j, p))
	d.scale = newScale(d.moments(), d.span())
	d.layOut()
	return d
}

// window are the records to show, ascending: those about the mark, or, if it
// involves several, from the first of these to the last, with what lies about
// each if there is too much between them.
func window(j *sim.Journal, p Picture) []int {
	if p.Mark == nil || len(p.Mark.Involved) == 0 {
		return around(j, p)
	}
	involved := p.Mark.Involved
	first, last := involved[0], involved[len(involved)-1]
	if last-first < 2*p.Limit {
		return upTo(max(0, first-p.Limit/6), min(j.Len(), last+1+p.Limit/6))
	}
	var all []int
	for _, i := range involved {
		beside := max(1, p.Limit/2/len(involved))
		all = append(all, upTo(max(0, i-beside), min(j.Len(), i+beside+1))...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// upTo are the numbers from first to before end.
func upTo(first, end int) (all []int) {
	for i := first; i < end; i++ {
		all = append(all, i)
	}
	return all
}

func around(j *sim.Journal, p Picture) []int {
	middle := 0
	switch {
	case p.Mark != nil && p.Mark.Record >= 0 && p.Mark.Record < j.Len():
		middle = p.Mark.Record
	case p.Mark != nil:
		middle = firstSince(j, p.Mark.At)
	default:
		for _, e := range j.Events() {
			if e.What == "begin" {
				middle = firstSince(j, e.At)
				break
			}
		}
	}
	last := min(max(0, middle-p.Limit*2/3)+p.Limit, j.Len())
	return upTo(max(0, last-p.Limit), last)
}

// firstSince is the first record sent at a time or later.
func firstSince(j *sim.Journal, at time.Duration) int {
	low, high := 0, j.Len()
	for low < high {
		middle := (low + high) / 2
		if j.At(middle).Sent < at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// choose takes in some records, and of those before them what was still on its
// way.
func (d *diagram) choose(chosen []int) {
	if len(chosen) == 0 {
		d.until = time.Millisecond
		return
	}
	for _, i := range chosen {
		d.records = append(d.records, d.journal.At(i))
	}
	first := chosen[0]
	d.from = d.records[0].Sent
	sent := d.records[len(d.records)-1].Sent
	d.until = sent
	for _, r := range d.records {
		if r.Fate != sim.InFlight {
			d.until = max(d.until, r.Done)
		}
	}
	// A message that took very long must not press all others together.
	d.until = min(d.until, sent+max(sent-d.from, 20*time.Millisecond))
	if mark := d.picture.Mark; mark != nil && mark.At > d.from {
		d.until = max(d.until, min(mark.At, sent+max(sent-d.from, 20*time.Millisecond)))
	}
	d.until = max(d.until, d.from+time.Millisecond)
	var earlier []sim.Record
	for i := first - 1; i >= max(0, first-4*d.picture.Limit); i-- {
		if r := d.journal.At(i); r.Fate != sim.InFlight && r.Done > d.from {
			earlier = append(earlier, r)
		}
	}
	slices.Reverse(earlier)
	d.records = append(earlier, d.records...)
}

// moments are the times at which something happens in the window.
func (d *diagram) moments() []time.Duration {
	all := []time.Duration{d.from, d.until}
	within := func(at time.Duration) {
		if d.from < at && at < d.until {
			all = append(all, at)
		}
	}
	for i := range d.records {
		within(d.records[i].Sent)
		if d.records[i].Fate != sim.InFlight {
			within(d.records[i].Done)
		}
	}
	for _, e := range d.journal.Events() {
		within(e.At)
	}
	if d.picture.Mark != nil {
		within(d.picture.Mark.At)
	}
	return all
}

// manyClients is from how many on clients share a column.
const manyClients = 5

const allClients = "clients"

// layOut gives everybody a column: clients, then nodes, then whoever else.
func (d *diagram) layOut() {
	d.column = map[string]int{}
	var clients, others []string
	seen := map[string]bool{}
	for _, node := range d.picture.Nodes {
		seen[node] = true
	}
	for _, r := range d.records {
		for _, name := range []string{r.Src, r.Dest} {
			if seen[name] {
				continue
			}
			seen[name] = true
			if sim.IsClient(name) {
				clients = append(clients, name)
			} else {
				others = append(others, name)
			}
		}
	}
	if len(clients) >= manyClients {
		for _, name := range clients {
			d.column[name] = 0
		}
		clients = []string{allClients}
	}
	slices.SortFunc(clients, byNumber)
	slices.Sort(others)
	d.columns = append(append(clients, d.picture.Nodes...), others...)
	for i, name := range d.columns {
		d.column[name] = i
	}
}

// byNumber puts c2 before c10.
func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

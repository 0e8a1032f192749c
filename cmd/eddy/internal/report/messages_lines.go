package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// message draws one copy of a message: an arrow from where it was sent to where
// it arrived, or a line that ends in a cross where it was lost.
func (d *diagram) message(r *sim.Record) {
	src, dest := d.column[r.Src], d.column[r.Dest]
	x1, y1, x2, y2 := d.x(src), d.y(r.Sent), d.x(dest), d.y(d.ended(r))
	class := classOf(r)
	marker := fmt.Sprintf(` marker-end="url(#%s)"`, class)
	lost := r.Fate != sim.Delivered && r.Fate != sim.InFlight
	if lost {
		class, marker = "lost", ""
		if r.Done == r.Sent { // lost on the way; nobody knows where
			x2, y2 = x1+(x2-x1)*.45, y1+7
		} else { // lost at its receiver's door
			x2 -= sign(x2-x1) * 10
		}
	} else if r.Fate == sim.InFlight {
		marker = ""
	}
	path := fmt.Sprintf("M%.1f,%.1f L%.1f,%.1f", x1, y1, x2, y2)
	if src == dest {
		path = fmt.Sprintf("M%.1f,%.1f C%.1f,%.1f %.1f,%.1f %.1f,%.1f", x1, y1, x1+44, y1, x1+44, y2+8, x1, y2+8)
	}
	d.print(`<g><title>%s</title>`, quote(describe(r), 700))
	if mark := d.picture.Mark; mark != nil && mark.Record == r.Index {
		d.print(`<path class="m culprit" d="%s"/>`, path)
	}
	if d.guilty(r) {
		class += " guilty"
	}
	d.print(`<path class="m %s" d="%s"%s/>`, class, path, marker)
	if lost {
		d.cross(x2, y2)
	}
	d.label(r, src, dest, x1, y1, x2, y2)
	d.print(`</g>`)
}

// ended is when the copy's line ends.
func (d *diagram) ended(r *sim.Record) time.Duration {
	if r.Fate == sim.InFlight {
		return d.until + (d.until-d.from)/20
	}
	return r.Done
}

func classOf(r *sim.Record) string {
	switch {
	case r.IsDuplicate():
		return "copy"
	case r.Type == "error":
		return "error"
	case r.IsReply():
		return "reply"
	case r.IsRequest():
		return "request"
	}
	return "oneway"
}

func describe(r *sim.Record) string {
	text := fmt.Sprintf("%s to %s, sent %.6fs", r.Src, r.Dest, r.Sent.Seconds())
	if r.Fate != sim.InFlight {
		text += fmt.Sprintf(", %s %.6fs", r.Fate, r.Done.Seconds())
	} else {
		text += ", in flight"
	}
	if r.IsDuplicate() {
		text += fmt.Sprintf(", a duplicate of message %d", r.Of)
	}
	if r.Forged {
		text += ", forged by the test"
	}
	return fmt.Sprintf("%s (message %d)\n%s", text, r.Index, r.Body)
}

func (d *diagram) cross(x, y float64) {
	d.print(`<path class="cross" d="M%.1f,%.1f l8,8 m0,-8 l-8,8"/>`, x-4, y-4)
}

// label writes a message's type and ids along its line, near its sender, unless
// another label is there: what has none still has its title.
func (d *diagram) label(r *sim.Record, src, dest int, x1, y1, x2, y2 float64) {
	lane := [2]int{src, src + 1}
	if dest < src {
		lane = [2]int{src - 1, src}
	}
	at := y1 + (y2-y1)*.2
	if y1 < top || slices.ContainsFunc(d.labels[lane], func(y float64) bool { return y-at < 11 && at-y < 11 }) {
		return
	}
	d.labels[lane] = append(d.labels[lane], at)
	text := r.Type
	if r.Forged {
		text = "forged " + text
	}
	switch {
	case r.IsReply():
		text += fmt.Sprintf(" →%d", r.InReplyTo)
	case r.IsRequest():
		text += fmt.Sprintf(" #%d", r.ID)
	}
	if r.Fate > sim.LostByFault {
		text += " (" + r.Fate.String() + ")"
	}
	if dest < src {
		d.print(`<text class="label" text-anchor="end" x="%.1f" y="%.1f">%s</text>`, x1-8, at-3, quote(text, 28))
		return
	}
	d.print(`<text class="label" x="%.1f" y="%.1f">%s</text>`, x1+8, at-3, quote(text, 28))
}

func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}

// lives draws the columns' lines, and where a node was not running.
func (d *diagram) lives() {
	for i, name := range d.columns {
		x := d.x(i)
		d.print(`<line class="life" x1="%.1f" x2="%.1f" y1="%.0f" y2="%.1f"/>`, x, x, top, top+d.span())
		killed, down := time.Duration(0), false
		for _, e := range d.journal.Events() {
			if e.Node != name {
				continue
			}
			switch {
			case e.What == "killed" && !down:
				killed, down = e.At, true
			case e.What == "started" && down:
				d.stretch("down", x, killed, e.At, name+" is not running")
				down = false
			}
		}
		if down {
			d.stretch("down", x, killed, d.until, name+" is not running")
		}
	}
}

// stretch marks a column for a while.
func (d *diagram) stretch(class string, x float64, from, until time.Duration, title string) {
	from, until = max(from, d.from), min(until, d.until)
	if from >= until {
		return
	}
	d.print(`<rect class="%s" x="%.1f" y="%.1f" width="18" height="%.1f"><title>%s</title></rect>`,
		class, x-9, d.y(from), d.y(until)-d.y(from), quote(title, 200))
}

// faults draws those about links as bands, and pauses at their columns.
func (d *diagram) faults() {
	ends := map[int]time.Duration{}
	for _, e := range d.journal.Events() {
		if e.What == "end" {
			ends[e.Fault] = e.At
		}
	}
	beside := 0
	for _, e := range d.journal.Events() {
		if e.What != "begin" || e.Begun == nil {
			continue
		}
		until, ended := ends[e.Fault]
		if !ended {
			until = d.until
		}
		if e.At >= d.until || until <= d.from {
			continue
		}
		switch e.Begun.Kind {
		case sim.Kill, sim.KillWipe: // lives shows them
		case sim.Pause:
			for _, node := range e.Begun.Nodes {
				if i, shown := d.column[node]; shown {
					d.stretch("pause", d.x(i), e.At, until, node+" is paused")
				}
			}
		default:
			d.band(e.Begun, e.At, until, beside)
			beside++
		}
	}
}

func (d *diagram) band(f *sim.Fault, from, until time.Duration, beside int) {
	y1, y2 := d.y(max(from, d.from)), d.y(min(until, d.until))
	d.print(`<g><title>%s, %s to %s</title><rect class="band" x="%.0f" y="%.1f" width="%.1f" height="%.1f"/>`,
		quote(f.String(), 200), seconds(from), seconds(until), left, y1, d.width()-left, y2-y1)
	d.print(`<text class="label bandtext" x="%.0f" y="%.1f">%s</text></g>`,
		left+4, y1+12+float64(beside%4)*12, quote(bandText(f), 90))
}

// bandText says what does not get from whom to whom, as far as it fits.
func bandText(f *sim.Fault) string {
	text := f.String()
	if f.Kind != sim.Partition && f.Kind != sim.Clog || len(f.Links) > 8 {
		return text
	}
	var links []string
	for _, l := range f.Links {
		links = append(links, l.String())
	}
	return text + ": " + strings.Join(links, " ")
}

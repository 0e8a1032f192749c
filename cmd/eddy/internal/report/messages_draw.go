package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// A diagram is messages.svg being drawn. Units are pixels.
type diagram struct {
	journal *sim.Journal
	picture Picture
	records []sim.Record

	from, until time.Duration
	scale       scale
	columns     []string
	column      map[string]int

	svg    bytes.Buffer
	labels map[[2]int][]float64 // where labels between two columns are
}

const (
	left      = 84.0 // of the first column, behind the time axis
	top       = 96.0 // of the time axis
	bottom    = 30.0
	perRecord = 16.0 // height
)

const style = `
text { font: 11px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #333 }
.title { font: bold 14px system-ui, "DejaVu Sans", sans-serif; fill: #111 }
.legend, .sub { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: #555 }
.name { font-weight: bold; font-size: 13px; text-anchor: middle; fill: #111 }
.tick { text-anchor: end; fill: #777 }
.grid { stroke: #eee }
.break { fill: none; stroke: #999 }
.life { stroke: #999; stroke-width: 1.5 }
.m { fill: none; stroke-width: 1.3 }
.request { stroke: #2b6cb0 } .reply { stroke: #2f855a } .error { stroke: #b7791f } .oneway { stroke: #4a5568 }
.lost { stroke: #c53030; stroke-dasharray: 5 3 }
.copy { stroke: #805ad5; stroke-dasharray: 2 2 }
.label { font-size: 10px; paint-order: stroke; stroke: #fff; stroke-width: 3px; stroke-linejoin: round }
.cross { stroke: #c53030; stroke-width: 2; fill: none }
.band { fill: #f6ad55; fill-opacity: .22 } .bandtext { font-size: 10px; fill: #9c4221 }
.pause { fill: #a0aec0; fill-opacity: .35 } .down { fill: #fc8181; fill-opacity: .3 }
.mark { stroke: #e53e3e; stroke-width: 1.5; stroke-dasharray: 8 3 } .marktext { fill: #c53030; font-weight: bold }
.guilty { stroke-width: 3.2 }
.culprit { stroke: #e53e3e; stroke-width: 7; stroke-opacity: .45 }
`

func (d *diagram) draw() {
	d.labels = map[[2]int][]float64{}
	width, height := d.width(), top+d.span()+bottom
	d.print(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f">`, width, height, width, height)
	d.print("<style>%s</style>", style)
	d.print(`<defs><clipPath id="w"><rect x="0" y="%.0f" width="%.0f" height="%.1f"/></clipPath>`, top-9, width, d.span()+11)
	for _, class := range []string{"request", "reply", "error", "oneway", "copy"} {
		d.print(`<marker id="%s" viewBox="0 0 8 8" refX="8" refY="4" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="%s"/></marker>`,
			class, colors[class])
	}
	d.print(`</defs><rect width="100%%" height="100%%" fill="#fff"/>`)
	d.head()
	d.axis()
	d.print(`<g clip-path="url(#w)">`)
	d.faults()
	d.lives()
	d.messages()
	d.print(`</g>`)
	d.mark()
	d.print("</svg>")
}

// messages draws those that the mark involves on top of all others, and gives
// their labels the first choice of places.
func (d *diagram) messages() {
	below := d.svg
	d.svg = bytes.Buffer{}
	for i := range d.records {
		if d.guilty(&d.records[i]) {
			d.message(&d.records[i])
		}
	}
	above := d.svg
	d.svg = below
	for i := range d.records {
		if !d.guilty(&d.records[i]) {
			d.message(&d.records[i])
		}
	}
	d.svg.Write(above.Bytes())
}

// guilty reports whether the mark involves a record, or one that it is a copy of.
func (d *diagram) guilty(r *sim.Record) bool {
	mark := d.picture.Mark
	if mark == nil {
		return false
	}
	_, involved := slices.BinarySearch(mark.Involved, r.Index)
	if !involved && r.IsDuplicate() {
		_, involved = slices.BinarySearch(mark.Involved, r.Of)
	}
	return involved || mark.Record == r.Index
}

var colors = map[string]string{
	"request": "#2b6cb0", "reply": "#2f855a", "error": "#b7791f", "oneway": "#4a5568", "copy": "#805ad5",
}

func (d *diagram) print(format string, args ...any) {
	fmt.Fprintf(&d.svg, format+"\n", args...)
}

// quote makes text safe within XML, and cuts it to a length in bytes.
func quote(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(runner.PrintableLines(text))) // a bytes.Buffer takes everything
	return b.String()
}

func (d *diagram) gap() float64 {
	return math.Max(110, math.Min(190, 1100/math.Max(1, float64(len(d.columns)))))
}

func (d *diagram) width() float64 {
	return math.Max(880, left+float64(len(d.columns))*d.gap())
}

func (d *diagram) span() float64 {
	return math.Max(420, math.Min(6000, perRecord*float64(len(d.records))))
}

func (d *diagram) x(column int) float64 { return left + d.gap()*(float64(column)+.5) }

func (d *diagram) y(at time.Duration) float64 {
	return top + d.scale.at(at)
}

func (d *diagram) head() {
	d.print(`<text class="title" x="14" y="22">%d of %d messages, %s to %s</text>`,
		len(d.records), d.journal.Len(), seconds(d.from), seconds(d.until))
	if mark := d.picture.Mark; mark != nil {
		d.print(`<text class="marktext" x="14" y="41">%s %s</text>`, seconds(mark.At), quote(mark.Text, 160))
	} else {
		d.print(`<text class="sub" x="14" y="41">Nothing went wrong.</text>`)
	}
	x := 14.0
	for _, l := range []struct{ class, text string }{
		{"request", "request"}, {"reply", "reply"}, {"error", "error"}, {"oneway", "one way"},
		{"lost", "lost (x)"}, {"copy", "duplicate"}, {"band", "partition, slow, flaky, clog"}, {"pause", "paused"}, {"down", "killed"},
	} {
		if l.class == "band" || l.class == "pause" || l.class == "down" {
			d.print(`<rect class="%s" x="%.0f" y="51" width="18" height="10"/>`, l.class, x)
		} else {
			d.print(`<line class="m %s" x1="%.0f" x2="%.0f" y1="56" y2="56"/>`, l.class, x, x+18)
		}
		d.print(`<text class="legend" x="%.0f" y="60">%s</text>`, x+23, l.text)
		x += 38 + 6.4*float64(len(l.text))
	}
	for i, name := range d.columns {
		d.print(`<text class="name" x="%.1f" y="%.0f">%s</text>`, d.x(i), top-12, quote(name, 14))
	}
}

func seconds(at time.Duration) string { return fmt.Sprintf("%.3fs", at.Seconds()) }

// axis draws a tick at round times, and where silences were cut.
func (d *diagram) axis() {
	every := tickEvery(time.Duration(60 / d.scale.slope))
	breaks := d.scale.breaks()
	for at := (d.from + every - 1) / every * every; at <= d.until; at += every {
		if i := slices.IndexFunc(breaks, func(b [2]time.Duration) bool { return b[0] < at && at < b[1] }); i >= 0 {
			at = (breaks[i][1] - 1) / every * every // goes on behind the break
			continue
		}
		d.print(`<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/>`, left-4, d.width(), d.y(at), d.y(at))
		d.print(`<text class="tick" x="%.0f" y="%.1f">%s</text>`, left-10, d.y(at)+4, tickText(at, every))
	}
	for _, b := range breaks {
		y := (d.y(b[0]) + d.y(b[1])) / 2
		d.print(`<path class="break" d="M%.0f,%.1f l6,-5 l8,10 l8,-10 l8,10 l6,-5"/>`, left-40, y)
		d.print(`<text class="tick" x="%.0f" y="%.1f">%s</text>`, left-44, y+4, short(b[1]-b[0]))
	}
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// tickEvery is a round time that is not shorter.
func tickEvery(least time.Duration) time.Duration {
	for every := time.Microsecond; ; every *= 10 {
		for _, times := range []time.Duration{1, 2, 5} {
			if every*times >= least {
				return every * times
			}
		}
	}
}

func tickText(at, every time.Duration) string {
	if every < time.Millisecond {
		return fmt.Sprintf("%.2fms", float64(at)/1e6)
	}
	if every < time.Second {
		return fmt.Sprintf("%.3fs", at.Seconds())
	}
	return fmt.Sprintf("%.0fs", at.Seconds())
}

func (d *diagram) mark() {
	mark := d.picture.Mark
	if mark == nil || mark.At < d.from || mark.At > d.until {
		return
	}
	y := d.y(mark.At)
	d.print(`<line class="mark" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/>`, left-4, d.width(), y, y)
	d.print(`<text class="label marktext" x="%.0f" y="%.1f">%s</text>`, left, y-4, quote(mark.Text, 110))
}

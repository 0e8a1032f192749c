package plan

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Chart is curves over one axis, as SVG.
type Chart struct {
	Title, X, Y string // what it shows, and what the axes are
	Percent     bool   // Y is a share
	Curves      []Curve
	Marked      [2]float64 // a stretch of X that is marked, if it is one
}

// A Curve has a name that the legend shows. Those of the same color belong
// together.
type Curve struct {
	Name   string
	Color  int
	Dashed bool
	Gray   bool // it has no color: what the others are compared with
	Points []Point
}

const (
	chartWidth, chartHeight  = 640.0, 340.0 // without the legend
	left, right, top, bottom = 64.0, 24.0, 30.0, 44.0
	plotWidth, plotHeight    = chartWidth - left - right, chartHeight - top - bottom
	legendLine               = 17.0
	ticks                    = 8
)

// colors can be told apart by who does not see them all (Okabe, Ito: Color
// Universal Design, 2008).
var colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}

// SVG draws the chart, its title above and its legend beneath.
func (c *Chart) SVG() string {
	x, y := c.axes()
	height := chartHeight + legendLine*float64(len(c.Curves)) + 8
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" width="%g" role="img" aria-label="%s" xmlns="http://www.w3.org/2000/svg" font-family="system-ui,sans-serif" font-size="12" fill="#444">`+"\n",
		chartWidth, height, chartWidth, html.EscapeString(c.Title))
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%g" y="18" font-size="14" font-weight="600">%s</text>`+"\n", left, html.EscapeString(c.Title))
	if c.Marked[1] > c.Marked[0] {
		from, to := x.at(c.Marked[0]), x.at(c.Marked[1])
		fmt.Fprintf(&b, `<rect x="%.1f" y="%g" width="%.1f" height="%g" fill="#d55e00" opacity="0.12"/>`+"\n", left+from*plotWidth, top, (to-from)*plotWidth, plotHeight)
	}
	c.grid(&b, x, y)
	for i, curve := range c.Curves {
		curve.draw(&b, x, y)
		at := chartHeight + legendLine*float64(i) + 12
		fmt.Fprintf(&b, `<path d="M%g %gh28" %s/><text x="%g" y="%g">%s</text>`+"\n", left, at-4, curve.stroke(), left+36, at, html.EscapeString(curve.Name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// grid draws the axes and what stands beside them.
func (c *Chart) grid(b *strings.Builder, x, y axis) {
	for _, v := range y.ticks() {
		at := top + (1-y.at(v))*plotHeight
		label := number(v)
		if c.Percent {
			label = short(v*100, 4) + " %"
		}
		fmt.Fprintf(b, `<path d="M%g %.1fh%g" stroke="#ddd"/><text x="%g" y="%.1f" text-anchor="end">%s</text>`+"\n", left, at, plotWidth, left-6, at+4, label)
	}
	for _, v := range x.ticks() {
		at := left + x.at(v)*plotWidth
		fmt.Fprintf(b, `<path d="M%.1f %gv4" stroke="#888"/><text x="%.1f" y="%g" text-anchor="middle">%s</text>`+"\n", at, top+plotHeight, at, top+plotHeight+17, number(v))
	}
	fmt.Fprintf(b, `<path d="M%g %gV%gH%g" fill="none" stroke="#888"/>`+"\n", left, top, top+plotHeight, left+plotWidth)
	fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="middle">%s</text>`+"\n", left+plotWidth/2, chartHeight-8, html.EscapeString(c.X))
	fmt.Fprintf(b, `<text transform="translate(12 %g) rotate(-90)" text-anchor="middle">%s</text>`+"\n", top+plotHeight/2, html.EscapeString(c.Y))
}

// stroke is how a curve is drawn.
func (c *Curve) stroke() string {
	color, width, dash := colors[c.Color%len(colors)], 2, ""
	if c.Gray {
		color, width = "#888", 1
	}
	if c.Dashed {
		dash = ` stroke-dasharray="5 4"`
	}
	return fmt.Sprintf(`fill="none" stroke="%s" stroke-width="%d"%s`, color, width, dash)
}

func (c *Curve) draw(b *strings.Builder, x, y axis) {
	if len(c.Points) == 0 {
		return
	}
	fmt.Fprintf(b, `<polyline %s points="`, c.stroke())
	for _, p := range c.Points {
		fmt.Fprintf(b, "%.1f,%.1f ", left+x.at(p.X)*plotWidth, top+(1-y.at(p.Y))*plotHeight)
	}
	b.WriteString("\"/>\n")
}

// An axis goes from 0 to its end, which is a round number of steps away.
type axis struct{ end, step float64 }

// axes are as long as the curves need.
func (c *Chart) axes() (x, y axis) {
	var right, up float64
	for _, curve := range c.Curves {
		for _, p := range curve.Points {
			right, up = max(right, p.X), max(up, p.Y)
		}
	}
	if c.Percent {
		up = 1
	}
	x = newAxis(right)
	x.end = max(right, x.step) // no empty space at the right
	return x, newAxis(up)
}

func newAxis(end float64) axis {
	if !(end > 0) {
		end = 1
	}
	rough := end / (ticks - 1)
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, by := range []float64{1, 2, 5, 10} {
		if step*by >= rough*0.999 {
			step *= by
			break
		}
	}
	return axis{end: math.Ceil(end/step*0.999) * step, step: step}
}

// at is how far along the axis a value is, from 0 to 1.
func (a axis) at(v float64) float64 { return min(max(v/a.end, 0), 1) }

func (a axis) ticks() (all []float64) {
	for n := 0.0; n*a.step <= a.end*1.001; n++ {
		all = append(all, n*a.step)
	}
	return all
}

// number is short, and has its thousands apart.
func number(v float64) string {
	text := short(v, 4)
	whole, rest, _ := strings.Cut(text, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return whole + rest
}

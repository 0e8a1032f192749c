package main

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// colors of the peers; one that has none is not drawn.
var colors = map[string]color.Color{
	official:   color.RGBA{0x55, 0x55, 0x55, 0xff},
	"python":   color.RGBA{0xd9, 0xa4, 0x41, 0xff},
	"cat":      color.RGBA{0xc4, 0xcc, 0xd4, 0xff},
	"newlines": color.RGBA{0xa3, 0xb1, 0xbf, 0xff},
	eddy:       color.RGBA{0x0b, 0x6e, 0x99, 0xff},
	compact:    color.RGBA{0x4b, 0xa8, 0xc9, 0xff},
	blocking:   color.RGBA{0x7a, 0x5b, 0xa6, 0xff},
}

// bar is one peer's ratio to the official library, as "so many times better".
type bar struct {
	peer             string
	value, low, high float64
	must             float64 // zero: nothing must be reached
}

// barGroup is a case's bars for one metric.
type barGroup struct {
	title string
	bars  []bar
}

// drawn are the ratios in the picture: those that a bound is on, and those that
// have absolute bounds but are good to see beside the others.
func drawn() [][2]string {
	var drawn [][2]string
	for _, b := range bounds {
		if b.Against != "" {
			drawn = append(drawn, [2]string{b.Case, b.Metric})
		}
	}
	drawn = append(drawn, [2]string{"open", "rss"}, [2]string{"silence", "cpu_each"}, [2]string{"silence", "p99"}, [2]string{"stall", "peak"})
	slices.SortStableFunc(drawn, func(a, b [2]string) int {
		return caseIndex(a[0]) - caseIndex(b[0])
	})
	return slices.Compact(drawn)
}

func caseIndex(name string) int {
	return slices.IndexFunc(cases, func(c *Case) bool { return c.Name == name })
}

// groups are the ratios of peers that have a color.
func (r *Report) groups() []barGroup {
	var groups []barGroup
	for _, d := range drawn() {
		result := resultOf(r.Results, d[0])
		if result == nil {
			continue
		}
		c := caseNamed(d[0])
		metric := c.metric(d[1])
		g := barGroup{title: c.Label + ": " + metric.Title}
		for _, p := range peers {
			q := ratio(result.outcome(p.Name), result.outcome(official), metric)
			if p.Name != official && colors[p.Name] != nil && !math.IsNaN(q.Median) {
				g.bars = append(g.bars, newBar(p.Name, d[0], metric, q))
			}
		}
		if len(g.bars) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func newBar(peer, c string, metric Metric, q Ratio) bar {
	bar := bar{peer: peer, value: q.Median, low: q.Min, high: q.Max}
	for _, own := range bounds {
		if own.Case == c && own.Metric == metric.Name && own.Peer == peer && own.Against == official {
			bar.must = own.Must
		}
	}
	if !metric.More {
		bar.value, bar.low, bar.high = 1/q.Median, 1/q.Max, 1/q.Min
		if bar.must != 0 {
			bar.must = 1 / bar.must
		}
	}
	return bar
}

// draw makes the picture: ratios as bars above, growth as lines below.
func (r *Report) draw(file string) error {
	groups := r.groups()
	rows := 0
	for _, g := range groups {
		rows += len(g.bars) + 1
	}
	const width, lines vg.Length = 900, 300 // points
	height := lines
	if rows > 0 {
		height += vg.Length(rows)*13 + 90
	}
	canvas := vgsvg.New(width, height)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())

	if rows > 0 {
		p, err := r.barPlot(groups)
		if err != nil {
			return err
		}
		p.Draw(draw.Crop(page, 10, -20, lines, -10))
	}
	left := draw.Crop(page, 10, -width/2-10, 10, lines-height-10)
	right := draw.Crop(page, width/2+10, -20, 10, lines-height-10)
	cost := r.growthPlot("CPU of one more open call", "µs", 1e6, costMetric)
	cost.Draw(left)
	memory := r.growthPlot("memory of an open call", "bytes", 1, memoryMetric)
	memory.Draw(right)

	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := canvas.WriteTo(f); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return f.Close()
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = 8
	for _, style := range []*draw.TextStyle{
		&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle,
		&p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle,
	} {
		style.Font.Variant = "Sans"
		style.Font.Size = 10
	}
	p.Title.TextStyle.Font.Size = 13
	return p
}

func (r *Report) barPlot(groups []barGroup) (*plot.Plot, error) {
	p := newPlot("times better than the official Go library in the same run (red: must reach; line: least to most)")
	b := &barPlotter{groups: groups, label: p.Y.Tick.Label}
	p.X.Scale = plot.LogScale{}
	p.X.Min, p.X.Max, _, p.Y.Max = b.DataRange()
	p.Y.Min = 0
	p.X.Tick.Marker = plot.ConstantTicks(decades(p.X.Min, p.X.Max))
	p.Y.Tick.Marker = plot.ConstantTicks(b.titles())
	p.Y.Tick.Length = 0
	p.Y.LineStyle.Width = 0
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical.Color = color.Gray{0xe4}
	p.Add(grid, b)
	return p, nil
}

// decades marks 1, 2, 5, 10, 20, ... from low to high.
func decades(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for e := -3; e <= 6; e++ {
		for _, m := range []float64{1, 2, 5} {
			v := m * math.Pow10(e)
			if v >= low*0.999 && v <= high*1.001 {
				ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprint(v)})
			}
		}
	}
	return ticks
}

// barPlotter draws groups of horizontal bars from the top down, each from 1 to
// its value, with a whisker from the least to the greatest ratio of any round
// and a mark where it must reach.
type barPlotter struct {
	groups []barGroup
	label  draw.TextStyle
}

// place calls f with every bar and its height above the axis.
func (b *barPlotter) place(f func(group *barGroup, i int, y float64)) {
	_, _, _, y := b.DataRange()
	for g := range b.groups {
		for i := range b.groups[g].bars {
			y--
			f(&b.groups[g], i, y+0.25)
		}
		y--
	}
}

// titles are the groups' names, at the middle of their bars.
func (b *barPlotter) titles() []plot.Tick {
	var ticks []plot.Tick
	b.place(func(g *barGroup, i int, y float64) {
		if i == (len(g.bars)-1)/2 {
			if len(g.bars)%2 == 0 {
				y -= 0.5
			}
			ticks = append(ticks, plot.Tick{Value: y, Label: g.title})
		}
	})
	return ticks
}

func (b *barPlotter) DataRange() (xmin, xmax, ymin, ymax float64) {
	// What is more than ten times worse is cut off there.
	xmin, xmax = 0.5, 2
	for _, g := range b.groups {
		ymax += float64(len(g.bars)) + 1
		for _, bar := range g.bars {
			xmin = min(xmin, max(bar.low, 0.1))
			xmax = max(xmax, bar.high, bar.must)
		}
	}
	// Room for the text at the longest bar.
	return xmin / 1.1, xmax * 6, 0, ymax
}

func (b *barPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	scaleX, y := p.Transforms(&c)
	x := func(v float64) vg.Length { return scaleX(max(v, p.X.Min)) }
	thin := draw.LineStyle{Color: color.Gray{0x20}, Width: 0.7}
	b.place(func(g *barGroup, i int, at float64) {
		bar := g.bars[i]
		middle := y(at)
		half := (y(at+0.42) - middle)
		from, to := x(min(1, bar.value)), x(max(1, bar.value))
		c.FillPolygon(colors[bar.peer], []vg.Point{
			{X: from, Y: middle - half}, {X: to, Y: middle - half},
			{X: to, Y: middle + half}, {X: from, Y: middle + half},
		})
		c.StrokeLine2(thin, x(bar.low), middle, x(bar.high), middle)
		if bar.must != 0 {
			mark := draw.LineStyle{Color: color.RGBA{0xd0, 0x2c, 0x2c, 0xff}, Width: 1.6}
			c.StrokeLine2(mark, x(bar.must), middle-half-1, x(bar.must), middle+half+1)
		}
		style := b.label
		style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
		right := max(x(bar.high), to, x(1))
		if bar.must != 0 {
			right = max(right, x(bar.must))
		}
		c.FillText(style, vg.Point{X: right + 5, Y: middle}, digits(bar.value)+"  "+bar.peer)
	})
	c.StrokeLine2(thin, x(1), c.Min.Y, x(1), c.Max.Y)
}

func (r *Report) growthPlot(title, unit string, scale float64, metric func(int) string) *plot.Plot {
	p := newPlot(title)
	p.X.Label.Text = "open calls"
	p.Y.Label.Text = unit
	result := resultOf(r.Results, "growth")
	lowest, highest := math.Inf(1), 0.0
	if result != nil {
		for _, o := range result.Outcomes {
			var points plotter.XYs
			for _, level := range levels {
				if v := o.Median(metric(level)) * scale; v > 0 {
					points = append(points, plotter.XY{X: float64(level), Y: v})
					lowest, highest = min(lowest, v), max(highest, v)
				}
			}
			if len(points) == 0 {
				continue
			}
			line, dots, err := plotter.NewLinePoints(points)
			if err != nil {
				continue // no finite points, and there are
			}
			line.Color, dots.Color = colors[o.Peer], colors[o.Peer]
			line.Width = 2
			dots.Shape, dots.Radius = draw.CircleGlyph{}, 2.5
			p.Add(line, dots)
			p.Legend.Add(o.Peer+" ", line)
		}
	}
	if highest == 0 {
		p.HideAxes()
		p.X.Label.Text, p.Y.Label.Text = "", ""
		p.Title.Text += " (not measured)"
		return p
	}
	p.Legend.Top = true
	p.Legend.Padding = 4
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Min, p.X.Max = float64(levels[0]), float64(levels[len(levels)-1])
	p.Y.Min, p.Y.Max = lowest/2, highest*8 // room for the legend
	var ticks []plot.Tick
	for _, level := range levels {
		ticks = append(ticks, plot.Tick{Value: float64(level), Label: short(level)})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Marker = plot.ConstantTicks(decades(p.Y.Min, p.Y.Max))
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{0xe4}, color.Gray{0xe4}
	p.Add(grid)
	return p
}

package plan

import (
	"fmt"
	"html"
	"strings"
)

// A Planned is a policy by its name, and what it did.
type Planned struct {
	Name   string
	Result *Result
	Sweep  []Swept // what it does under other losses
}

// A Swept is what a policy does at a loss.
type Swept struct {
	Loss   float64
	Result *Result
}

// A Page is one self-contained page of HTML that compares policies.
type Page struct {
	Command string // what it was made by
	Outage  Window
	Plans   []Planned
	Table   string // as text
}

// Charts are the page's curves.
func (p *Page) Charts() []*Chart {
	success := &Chart{Title: "Success against loss", X: "loss each way, %", Y: "calls that succeed", Percent: true}
	load := &Chart{Title: "Load against loss", X: "loss each way, %", Y: "requests at the leaf, per call"}
	took := &Chart{Title: "Time to completion", X: "ms from a call's beginning to success or failure", Y: "calls that took no longer", Percent: true}
	all := []*Chart{success, load, took}
	for i, plan := range p.Plans {
		var succeeds, loads []Point
		for _, s := range plan.Sweep {
			succeeds = append(succeeds, Point{s.Loss * 100, s.Result.Success})
			loads = append(loads, Point{s.Loss * 100, s.Result.Deliveries})
		}
		success.Curves = append(success.Curves, Curve{Name: plan.Name, Color: i, Points: succeeds})
		load.Curves = append(load.Curves, Curve{Name: plan.Name, Color: i, Points: loads})
		took.Curves = append(took.Curves, Curve{Name: plan.Name, Color: i, Points: plan.Result.Times})
	}
	for i, plan := range p.Plans {
		all = append(all, p.overTime(i, plan))
	}
	return all
}

// overTime is one policy's load over time.
func (p *Page) overTime(color int, plan Planned) *Chart {
	c := &Chart{Title: "Load over time: " + plan.Name, X: "seconds", Y: "a second"}
	if p.Outage.For > 0 {
		c.Marked = [2]float64{p.Outage.From.Seconds(), p.Outage.end().Seconds()}
		c.Title += " (the outage is marked)"
	}
	var offered, useful []Point
	for _, l := range plan.Result.Load {
		offered = append(offered, Point{l.At / 1000, l.Offered})
		useful = append(useful, Point{l.At / 1000, l.Useful})
	}
	c.Curves = []Curve{
		{Name: "offered: requests that reach the leaf", Color: color, Dashed: true, Points: offered},
		{Name: "useful: of the calls that begin then, those that succeed", Color: color, Points: useful},
	}
	return c
}

const pageHead = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>eddy plan</title>
<style>
body{font:15px/1.45 system-ui,sans-serif;max-width:1340px;margin:2em auto;padding:0 1em;color:#222;background:#fff}
pre{background:#f5f5f5;padding:.7em;overflow:auto;font-size:13px}
section{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1.5em}
svg{width:100%;height:auto}
</style>
<h1>What the policies do</h1>
`

// HTML is the page.
func (p *Page) HTML() string {
	var b strings.Builder
	b.WriteString(pageHead)
	fmt.Fprintf(&b, "<pre>%s</pre>\n<pre>%s</pre>\n<section>\n", html.EscapeString(p.Command), html.EscapeString(p.Table))
	for _, c := range p.Charts() {
		b.WriteString(c.SVG())
	}
	b.WriteString("</section>\n<p>The curves against loss are of fewer calls each, without the outage.</p>\n</html>\n")
	return b.String()
}

package plan

import (
	_ "embed"
	"html/template"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/csp"
	"github.com/eddyrpc/eddy/retry"
)

// A Planned is a policy by its name, and what it did.
type Planned struct {
	Name   string
	Policy *retry.Policy
	Sample *Sample
	Sweep  []Swept // what it does under other losses
}

// TooMany reports whether a run was stopped, this or one of the sweep.
func (p *Planned) TooMany() bool {
	return p.Sample.TooMany || slices.ContainsFunc(p.Sweep, func(s Swept) bool { return s.Result.TooMany })
}

// A Swept is what a policy does at a loss.
type Swept struct {
	Loss   float64
	Result *Result
}

// A Page is one self-contained page of HTML that compares policies.
type Page struct {
	Command string // what it was made by
	Model   *Model
	Plans   []Planned
}

// Charts are the page's curves.
func (p *Page) Charts() []*Chart {
	success := &Chart{Title: "Success against loss", X: "loss each way, %", Y: "calls that succeed", Percent: true}
	load := &Chart{Title: "Load against loss", X: "loss each way, %", Y: "requests at the leaf per call"}
	took := &Chart{Title: "Time to completion", X: "ms from a call's beginning to success or failure", Y: "calls that took no longer", Percent: true, Stepped: true}
	for i, plan := range p.Plans {
		var succeeds, loads []Point
		for _, s := range plan.Sweep {
			succeeds = append(succeeds, Point{s.Loss * 100, s.Result.Success})
			loads = append(loads, Point{s.Loss * 100, s.Result.Deliveries})
		}
		success.Curves = append(success.Curves, Curve{Name: plan.Name, Color: i, Points: succeeds})
		load.Curves = append(load.Curves, Curve{Name: plan.Name, Color: i, Points: loads})
		took.Curves = append(took.Curves, Curve{Name: plan.Name, Color: i, Points: plan.Sample.Times})
	}
	took.logarithmic()
	always := []*Chart{success, load, took}
	var overTime []*Chart
	for i, plan := range p.Plans {
		if len(plan.Sample.Load) > 1 {
			overTime = append(overTime, p.overTime(i, plan))
		}
	}
	sameScale(overTime)
	if p.Model.Outage.For > 0 { // what one wants to see first
		return append(overTime, always...)
	}
	return append(always, overTime...)
}

// overTime is one policy's load over time.
func (p *Page) overTime(color int, plan Planned) *Chart {
	c := &Chart{Title: "Load over time: " + plan.Name, X: "seconds since the beginning", Y: "per second"}
	if outage := p.Model.Outage; outage.For > 0 {
		c.Marked = [2]float64{outage.From.Seconds(), outage.end().Seconds()}
		c.Title += " (the outage is marked)"
	}
	var offered, useful []Point
	for _, l := range plan.Sample.Load {
		offered = append(offered, Point{l.At / 1000, l.Offered})
		useful = append(useful, Point{l.At / 1000, l.Useful})
	}
	c.Curves = []Curve{
		{Name: "offered: requests that reach the leaf", Color: color, Dashed: true, Points: offered},
		{Name: "useful: of the calls that begin then, those that succeed", Color: color, Points: useful},
	}
	if capacity := p.Model.Capacity; capacity > 0 && len(useful) > 0 {
		level := []Point{{0, capacity}, {useful[len(useful)-1].X, capacity}}
		c.Curves = append(c.Curves, Curve{Name: "capacity: " + number(capacity), Gray: true, Points: level})
	}
	return c
}

// What front bundles.
var (
	//go:embed page.js
	script string
	//go:embed page.css
	style string
)

// pageTemplate is the page. The hashes of style and script are in its
// Content-Security-Policy, so nothing else runs and nothing is fetched.
var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{.CSP}}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>eddy plan</title>
<style>{{.CSS}}</style>
</head>
<body>
<main>
<h1>What the policies do</h1>
<pre class="wrap">{{.Command}}</pre>
<pre>{{.Table}}</pre>
<noscript><p>The charts need JavaScript.</p></noscript>
<section id="charts" class="charts"></section>
<p>The curves against loss are of one run with fewer calls each, without an outage. The other curves are of all runs together.</p>
<h2>The policies</h2>
<pre class="wrap">{{range .Policies}}{{.}}
{{end}}</pre>
</main>
<script type="application/json" id="data">{{.Charts}}</script>
<script>{{.JS}}</script>
</body>
</html>
`))

// HTML returns the page.
func (p *Page) HTML() (string, error) {
	var policies []string
	for _, plan := range p.Plans {
		policies = append(policies, plan.Name+": "+settings(plan.Policy))
	}
	var b strings.Builder
	err := pageTemplate.Execute(&b, map[string]any{
		"Command": p.Command, "Table": Table(p.Model, p.Plans), "Policies": policies, "Charts": p.Charts(),
		"CSP": csp.Policy(script, style),
		"CSS": template.CSS(style), "JS": template.JS(script),
	})
	return b.String(), err
}

// settings is a policy as a file would say it.
func settings(p *retry.Policy) string {
	if p == nil {
		return "{}"
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err.Error() // set by hand, and without a form
	}
	return string(text)
}

package main

import (
	"fmt"
	"math"
)

// A Bound is a limit of a metric.
type Bound struct {
	Case    string
	Peer    string
	Metric  string
	Against string // bounds the ratio to this peer; empty: bounds the value
	Least   bool   // a lower limit; otherwise an upper limit
	Must    float64
	Aim     float64 // a better value that is not required; zero: none
}

// bounds are the figures that a change may not break. The columns that bounds name are
// those of the cases.
var bounds = []Bound{
	{Case: "echo-300k", Peer: eddy, Metric: "rate", Against: official, Least: true, Must: 45, Aim: 60},
	{Case: "echo-300k", Peer: compact, Metric: "rate", Against: official, Least: true, Must: 45, Aim: 60},
	{Case: "echo-300k", Peer: eddy, Metric: "cpu", Against: official, Must: 1.0 / 80},
	{Case: "echo-300k", Peer: compact, Metric: "cpu", Against: official, Must: 1.0 / 80},
	{Case: "echo-3m", Peer: eddy, Metric: "rate", Against: official, Least: true, Must: 45, Aim: 60},
	{Case: "echo-3m", Peer: compact, Metric: "rate", Against: official, Least: true, Must: 45, Aim: 60},
	{Case: "echo-3m", Peer: eddy, Metric: "cpu", Against: official, Must: 1.0 / 80},
	{Case: "echo-3m", Peer: compact, Metric: "cpu", Against: official, Must: 1.0 / 80},
	// A request, which the handler may keep, and nothing else.
	{Case: "echo-heap", Peer: eddy, Metric: "allocated", Must: 128},
	{Case: "echo-heap", Peer: compact, Metric: "allocated", Must: 128},
	{Case: "echo-one", Peer: eddy, Metric: "p50", Against: official, Must: 0.10},
	{Case: "echo-one", Peer: compact, Metric: "p50", Against: official, Must: 0.10},

	{Case: "relay", Peer: eddy, Metric: "rate", Against: official, Least: true, Must: 20, Aim: 25},
	{Case: "relay", Peer: blocking, Metric: "rate", Against: official, Least: true, Must: 4.5},
	{Case: "relay", Peer: blocking, Metric: "cpu", Against: official, Must: 1.0 / 6},

	{Case: "open", Peer: eddy, Metric: "rss", Must: 256},
	{Case: "open", Peer: blocking, Metric: "rss", Must: 6000},
	{Case: "timeouts", Peer: eddy, Metric: "cpu", Must: 0.6},
	{Case: "timeouts", Peer: eddy, Metric: "p99", Must: 0.010},
	{Case: "timeouts-1m", Peer: eddy, Metric: "p99", Must: 0.010},
	{Case: "timeouts-1m", Peer: eddy, Metric: "peak", Must: 300e6},
	{Case: "growth", Peer: eddy, Metric: "flat", Must: 1.5},

	{Case: "start", Peer: eddy, Metric: "p50", Against: official, Must: 1.1},
	{Case: "big-line", Peer: eddy, Metric: "peak_lines", Must: 4},
	{Case: "stall", Peer: eddy, Metric: "peak", Must: 64e6},
}

// A Verdict says whether a bound holds.
type Verdict struct {
	Case     string  `json:"case"`
	Peer     string  `json:"peer"`
	What     string  `json:"what"`
	Must     string  `json:"must"`
	Aim      string  `json:"aim,omitempty"`
	Measured string  `json:"measured"`
	Spread   string  `json:"spread,omitempty"`
	Value    float64 `json:"value"`
	Reached  string  `json:"reached"` // "yes", "no", or "aim" if that is reached too
}

// judge compares the results with the bounds. A bound whose case or peers did not run has
// no verdict.
func judge(results []*Result) []Verdict {
	var verdicts []Verdict
	for _, b := range bounds {
		r := resultOf(results, b.Case)
		if r == nil || r.outcome(b.Peer) == nil {
			continue
		}
		metric := caseNamed(b.Case).metric(b.Metric)
		v := Verdict{Case: b.Case, Peer: b.Peer, What: metric.Title}
		format := metric.Unit.Format
		if b.Against != "" {
			v.What += " ÷ " + b.Against + "'s"
			format = Times.Format
			q := ratio(r.outcome(b.Peer), r.outcome(b.Against), metric)
			v.Value, v.Spread = q.Median, fmt.Sprintf("%s to %s", format(q.Min), format(q.Max))
		} else {
			v.Value = r.outcome(b.Peer).Median(b.Metric)
		}
		if math.IsNaN(v.Value) {
			if o := r.outcome(b.Peer); o.Failed == "" {
				continue
			}
			v.Value, v.Measured, v.Spread, v.Reached = 0, "failed", "", "no"
		} else {
			v.Measured, v.Reached = format(v.Value), b.reached(v.Value)
		}
		words := "at most "
		if b.Least {
			words = "at least "
		}
		v.Must = words + format(b.Must)
		if b.Aim != 0 {
			v.Aim = format(b.Aim)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

func (b Bound) reached(v float64) string {
	meets := func(limit float64) bool {
		if b.Least {
			return v >= limit
		}
		return v <= limit
	}
	switch {
	case b.Aim != 0 && meets(b.Aim):
		return "aim"
	case meets(b.Must):
		return "yes"
	}
	return "no"
}

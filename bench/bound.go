package main

import (
	"fmt"
	"math"
)

// Bound is what a peer must reach.
type Bound struct {
	Case    string
	Peer    string
	Metric  string
	Against string  // the peer it is compared with; empty: the value itself counts
	Least   bool    // at least so much; otherwise at most
	Must    float64 // zero: an aim only
	Aim     float64 // zero: none
}

// bounds is what the project promises; issue by issue, row by row.
var bounds = []Bound{
	{Case: "echo-300k", Peer: eddy, Metric: "rate", Against: official, Least: true, Must: 35, Aim: 50},
	{Case: "echo-300k", Peer: compact, Metric: "rate", Against: official, Least: true, Must: 35, Aim: 50},
	{Case: "echo-300k", Peer: eddy, Metric: "cpu", Against: official, Must: 1.0 / 70},
	{Case: "echo-300k", Peer: compact, Metric: "cpu", Against: official, Must: 1.0 / 70},
	{Case: "echo-3m", Peer: eddy, Metric: "rate", Against: official, Least: true, Must: 35, Aim: 50},
	{Case: "echo-3m", Peer: compact, Metric: "rate", Against: official, Least: true, Must: 35, Aim: 50},
	{Case: "echo-3m", Peer: eddy, Metric: "cpu", Against: official, Must: 1.0 / 70},
	{Case: "echo-3m", Peer: compact, Metric: "cpu", Against: official, Must: 1.0 / 70},
	{Case: "echo-3m", Peer: eddy, Metric: "cpu", Aim: 0.2e-6},
	{Case: "echo-3m", Peer: compact, Metric: "cpu", Aim: 0.2e-6},
	// No allocation is smaller than what is not seen, see readTrace.
	{Case: "echo-heap", Peer: eddy, Metric: "allocated", Must: 1.5},
	{Case: "echo-heap", Peer: compact, Metric: "allocated", Must: 1.5},

	{Case: "echo-one", Peer: eddy, Metric: "p50", Against: official, Must: 0.10},
	{Case: "echo-one", Peer: compact, Metric: "p50", Against: official, Must: 0.10},
	{Case: "echo-64", Peer: eddy, Metric: "p50", Against: official, Must: 0.06},
	{Case: "echo-64", Peer: compact, Metric: "p50", Against: official, Must: 0.06},
	{Case: "echo-64", Peer: eddy, Metric: "rate", Against: official, Least: true, Must: 14},
	{Case: "echo-64", Peer: compact, Metric: "rate", Against: official, Least: true, Must: 14},

	{Case: "relay", Peer: eddy, Metric: "rate", Against: official, Least: true, Must: 22, Aim: 30},
	{Case: "relay", Peer: blocking, Metric: "rate", Against: official, Least: true, Must: 12, Aim: 25},

	{Case: "open", Peer: eddy, Metric: "rss", Must: 256, Aim: 160},
	{Case: "open", Peer: blocking, Metric: "rss", Must: 3500},
	{Case: "silence", Peer: eddy, Metric: "cpu", Must: 0.5},
	{Case: "silence", Peer: eddy, Metric: "p99", Must: 0.010},
	{Case: "silence-log", Peer: eddy, Metric: "cpu", Must: 2},
	{Case: "storm", Peer: eddy, Metric: "p99", Must: 0.010},
	{Case: "storm", Peer: eddy, Metric: "peak", Must: 200e6},
	{Case: "growth", Peer: eddy, Metric: "flat", Must: 1.5},

	{Case: "start", Peer: eddy, Metric: "p50", Against: official, Must: 1},
	{Case: "big-line", Peer: eddy, Metric: "peak_lines", Must: 4},
	{Case: "stall", Peer: eddy, Metric: "peak", Must: 64e6},
}

// Verdict is a bound held against what was measured.
type Verdict struct {
	Case     string  `json:"case"`
	Peer     string  `json:"peer"`
	What     string  `json:"what"`
	Must     string  `json:"must,omitempty"`
	Aim      string  `json:"aim,omitempty"`
	Measured string  `json:"measured"`
	Spread   string  `json:"spread,omitempty"`
	Value    float64 `json:"value"`
	Reached  string  `json:"reached"` // "yes", "no", "aim" when it reaches that too
}

// judge holds the bounds against the results; a bound whose case or peers did
// not run has no verdict.
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
		if b.Must != 0 {
			v.Must = words + format(b.Must)
		}
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
	case b.Must != 0 && meets(b.Must):
		return "yes"
	case b.Must == 0:
		return "not the aim"
	}
	return "no"
}

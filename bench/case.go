package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"time"
)

// Case is one thing that is measured, on some peers.
type Case struct {
	Name    string // for -cases
	Label   string // in the picture
	Title   string
	Notes   []string // printed below the table
	Entries []Entry
	Metrics []Metric
	Run     func(r *Run) (Sample, error)

	Reference string // the peer that others are compared with; empty: the official library
}

func (c *Case) reference() string { return cmp.Or(c.Reference, official) }

// Entry is one peer's part in a case.
type Entry struct {
	Peer   string
	Size   int    // how many, in the case's unit
	Rounds int    // at most; zero: as many as asked for
	Smoke  int    // the size in a smoke run
	Fails  string // why the peer can't do this; it is run once to see that it still can't
}

// Metric is one column.
type Metric struct {
	Name  string // in samples and bounds
	Title string
	Unit  Unit
	More  bool // more is better

	Compare bool // print the ratio to the case's reference beside it
	Whole   bool // grows with the size, so that runs of different sizes can't be compared
}

// Sample is what one run of one peer measured: metric name -> value in the
// unit's base (seconds, bytes, per second). NaN and absent both mean that
// there is no figure.
type Sample map[string]float64

// Run is the place in which a case runs.
type Run struct {
	Peer  *Peer
	Size  int
	Smoke bool
	Pipe  int
	Limit time.Duration
}

// Start starts the run's peer.
func (r *Run) Start(o Options) (*Process, error) {
	return r.Peer.Start(o, Launch{Limit: r.Limit, Pipe: r.Pipe})
}

// Outcome is what a case came to on one peer.
type Outcome struct {
	Peer    string   `json:"peer"`
	Size    int      `json:"size"`
	Samples []Sample `json:"samples"`
	Failed  string   `json:"failed,omitempty"`  // why there are no samples, or fewer
	Excused bool     `json:"excused,omitempty"` // it was known that this peer can't
}

// Median is the middle value of a metric over the rounds, NaN when none has it.
func (o *Outcome) Median(metric string) float64 {
	var v []float64
	for _, s := range o.Samples {
		if x, ok := s[metric]; ok && !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	return median(v)
}

// Settings is what the command line says.
type Settings struct {
	Rounds int
	Smoke  bool
	Pipe   int
	Use    map[string]bool // peers
}

// Measure runs every peer of the case in turn, round by round, until ctx ends.
func (c *Case) Measure(ctx context.Context, s Settings) []*Outcome {
	var outcomes []*Outcome
	entries := map[*Outcome]Entry{}
	for _, e := range c.Entries {
		p := peerNamed(e.Peer)
		if !s.Use[e.Peer] || p.broken != nil {
			continue
		}
		o := &Outcome{Peer: e.Peer, Size: e.Size}
		if s.Smoke {
			o.Size = e.Smoke
		}
		entries[o] = e
		outcomes = append(outcomes, o)
	}
	for round := range s.Rounds {
		for _, o := range outcomes {
			e := entries[o]
			if ctx.Err() != nil || o.Failed != "" || e.Rounds > 0 && round >= e.Rounds {
				continue
			}
			began := time.Now()
			run := &Run{Peer: peerNamed(o.Peer), Size: o.Size, Smoke: s.Smoke, Pipe: s.Pipe, Limit: 15 * time.Minute}
			sample, err := c.Run(run)
			if err != nil && e.Fails == "" && !run.Peer.Strict {
				// A busy machine can make a slow peer miss its timeouts.
				fmt.Fprintf(os.Stderr, "%s round %d %s: once more: %v\n", c.Name, round+1, o.Peer, err)
				sample, err = c.Run(run)
			}
			took := time.Since(began).Round(time.Millisecond)
			switch {
			case err != nil && e.Fails != "":
				o.Failed, o.Excused = e.Fails, true
			case err != nil:
				o.Failed = err.Error()
				fmt.Fprintf(os.Stderr, "%s round %d %s: FAILED: %v\n", c.Name, round+1, o.Peer, err)
			default:
				sample.clean()
				o.Samples = append(o.Samples, sample)
			}
			fmt.Fprintf(os.Stderr, "%s round %d/%d %s %v\n", c.Name, round+1, s.Rounds, o.Peer, took)
		}
	}
	return outcomes
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"time"
)

// A Case is something that is measured on several peers.
type Case struct {
	Name    string // for -cases
	Title   string
	Notes   []string // printed below the table
	Entries []Entry
	Metrics []Metric
	Run     func(r *Run) (Sample, error)

	Reference string // the peer that others are compared with; empty: the official library
}

func (c *Case) reference() string { return cmp.Or(c.Reference, official) }

// An Entry is a peer in a case.
type Entry struct {
	Peer   string
	Size   int    // the number of requests, calls or bytes
	Rounds int    // at most; zero: no limit
	Smoke  int    // the size in a smoke run
	Fails  string // why the peer cannot do this; it runs once to check that
}

// A Metric is a column of the table.
type Metric struct {
	Name  string // in samples and bounds
	Title string
	Unit  Unit
	More  bool // a larger value is better

	Compare bool // print the ratio to the reference too
	Whole   bool // grows with the size, so runs of different sizes are not compared
}

// A Sample is what one run measured: the values of metrics by name, in seconds, bytes
// or per second. NaN means the same as absent: there is no value.
type Sample map[string]float64

// A Run is one run of a case on a peer.
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

// An Outcome is the result of a case on one peer.
type Outcome struct {
	Peer    string   `json:"peer"`
	Size    int      `json:"size"`
	Samples []Sample `json:"samples"`
	Failed  string   `json:"failed,omitempty"`  // why samples are missing
	Excused bool     `json:"excused,omitempty"` // the failure is known: see Entry.Fails
}

// Median is the median of a metric over the rounds, NaN if there is no value.
func (o *Outcome) Median(metric string) float64 {
	var v []float64
	for _, s := range o.Samples {
		if x, ok := s[metric]; ok && !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	return median(v)
}

// Settings are what the flags set.
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
				fmt.Fprintf(os.Stderr, "%s round %d %s: trying again: %v\n", c.Name, round+1, o.Peer, err)
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

// Package runner tests node programs: it runs a trial whose nodes are processes, in real
// time.
package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/trial"
)

// A runner tells a trial the time and what its processes do. It is used by one goroutine.
type runner struct {
	cfg     *Config
	trial   *trial.Trial
	cluster *cluster.Cluster
	clock
	events []cluster.Event // the last batch, for reuse
	stalls *stallMonitor
	growth *growthMonitor // nil outside the main phase
}

// Run runs a test. It returns an error if the program cannot be started or eddy
// itself fails. The faults of the nodes are in the result. When ctx ends, the test
// ends. When Run returns, all nodes have ended.
func Run(ctx context.Context, cfg *Config) (*trial.Result, error) {
	c, err := cluster.New(cluster.Options{
		Program: cfg.Bin, Args: cfg.Args, Nodes: cfg.Nodes,
		Dirs: cfg.Dirs, Logs: cfg.Logs, MaxLine: cfg.MaxLine, QueueLimit: cfg.QueueLimit,
		Grace: cfg.EndGrace(), TermGrace: trial.TermGrace,
		Stderr: stderrTo(cfg),
	})
	if err != nil {
		return nil, err
	}
	defer c.KillAll()
	r := &runner{cfg: cfg, cluster: c, trial: trial.New(&cfg.Config, processes{c})}
	if cfg.Carrier != nil {
		defer cfg.Carrier.Close()
		if err := cfg.Carrier.Open(ctx, cfg.Nodes, r.trial.Others()); err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("start the NATS servers of the test: %v", err)
		}
		r.trial.UseCarrier(cfg.Carrier)
	}
	r.clock = clock{start: time.Now(), stood: r.trial.StoodStill}
	r.stalls = newStallMonitor(r.start)
	defer r.stalls.end()
	return r.run(ctx)
}

func stderrTo(cfg *Config) func(string, []byte) {
	if cfg.Stderr == nil {
		return nil
	}
	return func(node string, line []byte) {
		cfg.Stderr.Write([]byte(node + ": " + quote.Printable(line) + "\n"))
	}
}

// run runs the trial and returns its result.
func (r *runner) run(ctx context.Context) (*trial.Result, error) {
	var crash *trial.Crash
	err := trial.Guard(func() error { return r.loop(ctx) })
	switch {
	case errors.As(err, &crash):
	case err != nil:
		r.trial.Interrupt()
	}
	r.watchGrowth(false)
	for i, name := range r.cfg.Nodes {
		if missing, err := r.cluster.MissingLog(i); missing > 0 {
			r.trial.Note(fmt.Sprintf("wrote %d bytes to stderr that are missing in its log: %v", missing, err), name)
		}
	}
	result, err := r.trial.Result(time.Since(r.start))
	if err == nil && crash != nil {
		result.Crash, result.Stopped = crash, crash.Error()
	}
	return result, err
}

// loop runs the trial until it is done, or until ctx ends.
func (r *runner) loop(ctx context.Context) error {
	r.looked = time.Since(r.start)
	r.trial.Begin(r.looked)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.takeEvents()
		if r.cfg.Carrier != nil {
			r.trial.Arrive(r.look())
		}
		for r.trial.Step(r.look()) {
		}
		if r.trial.Done() {
			return nil
		}
		r.watchGrowth(r.trial.InMain())
		if err := ctx.Err(); err != nil {
			return err
		}
		wait := r.trial.Next() - r.look()
		if wait <= 0 {
			continue
		}
		timer.Reset(wait)
		r.sleeps = wait
		select {
		case <-r.cluster.Ready():
		case <-r.carrierReady():
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// carrierReady returns the carrier's Ready, or nil.
func (r *runner) carrierReady() <-chan struct{} {
	if r.cfg.Carrier == nil {
		return nil
	}
	return r.cfg.Carrier.Ready()
}

// takeEvents tells the trial what the processes have done.
func (r *runner) takeEvents() {
	r.events = r.cluster.Events(r.events)
	var first time.Time
	if len(r.events) > 0 {
		first = r.events[0].At
	}
	r.wake(first)
	for i := range r.events {
		e := &r.events[i]
		at := e.At.Sub(r.start)
		if now := r.looked; now-at > trial.MinStall {
			r.trial.Stalled(at, now)
		}
		switch e.Kind {
		case cluster.Wrote:
			r.trial.Wrote(at, e.Node, &trial.Line{
				Incarnation: e.Incarnation, Number: e.Line.Number, Text: e.Line.Text, Size: e.Line.Size, Incomplete: e.Line.Incomplete,
			})
		case cluster.Exited:
			r.trial.Exited(at, e.Node, trial.Exit{
				State: e.Exit.String(), OK: e.Exit.State.Success(), Forced: e.Exit.Forced, Stderr: r.cluster.ErrorLines(e.Node),
			})
		case cluster.Started:
			r.trial.Started(at, e.Node, e.Incarnation, e.Err)
		}
		r.look()
	}
	for _, s := range r.stalls.take() {
		r.trial.Stalled(s[0], s[1])
	}
}

// processes are the processes of a cluster, as a trial commands them. Where a node has no
// process, nothing is to be done.
type processes struct{ *cluster.Cluster }

func (p processes) Pause(node int)  { p.Cluster.Pause(node) }
func (p processes) Resume(node int) { p.Cluster.Resume(node) }
func (p processes) Kill(node int)   { p.Cluster.Kill(node) }

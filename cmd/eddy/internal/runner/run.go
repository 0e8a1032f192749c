package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/checker"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/workload"
)

// A Result is what happened in a test.
type Result struct {
	History *history.History
	Sick    []*Sickness
	Journal *sim.Journal
	Elapsed time.Duration    // until all nodes had ended; Judge adds what it takes
	Asked   time.Duration    // how long clients asked
	Played  []string         // nodes that the workload played
	Stopped string           // why the test ended early, or ""
	Notes   []string         // what a reader should know beside
	Numbers []checker.Number // the workload's own; Judge sets them

	start time.Time
	check func() ([]checker.Problem, []checker.Number)
}

// Run runs a test. The error is our own, or one of starting the program; what
// the nodes do wrong is in the result. When ctx ends, so does the test, and
// nothing is left of the nodes.
func Run(ctx context.Context, cfg *Config) (*Result, error) {
	c, err := cluster.New(cluster.Options{
		Program: cfg.Bin, Args: cfg.Args, Nodes: cfg.Nodes,
		Dirs: cfg.Dirs, Logs: cfg.Logs, MaxLine: cfg.MaxLine, QueueLimit: cfg.QueueLimit,
		Grace: cfg.endGrace(), TermGrace: termGrace,
		Stderr: stderrTo(cfg),
	})
	if err != nil {
		return nil, err
	}
	defer c.KillAll()
	seed := cfg.Network.Seed
	r := &runner{
		cfg: cfg, start: time.Now(), cluster: c, net: sim.New(cfg.Network), history: new(history.History),
		rand:   rand.New(rand.NewPCG(seed, 1)),
		byName: map[string]*node{}, byClient: map[string]*client{}, expired: map[string]*expired{},
	}
	r.load = cfg.Spec.New(workload.Env{
		Nodes: cfg.Nodes, Topology: workload.Topology(cfg.Topology, cfg.Nodes),
		Rand:        rand.New(rand.NewPCG(seed, 2)),
		CallTimeout: cfg.CallTimeout, CallAttempts: cfg.CallAttempts, CallBackoff: cfg.CallBackoff, Flooded: cfg.Rate == MaxRate, IgnoreLate: cfg.IgnoreLate,
	})
	r.cast = newCast(r.load, seed)
	if r.cast.player != nil {
		r.plays = r.cast.player.SimulatedNodes()
	}
	if cfg.Carrier != nil {
		defer cfg.Carrier.Close()
		if err := r.openCarrier(ctx); err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("the test's own NATS servers: %v", err)
		}
		r.start = time.Now()
	}
	r.pulse = newPulse(r.start)
	defer r.pulse.end()
	for i, name := range cfg.Nodes {
		n := &node{name: name, index: i}
		r.nodes = append(r.nodes, n)
		r.byName[name] = n
	}
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

// run goes through the phases and gathers what happened.
func (r *runner) run(ctx context.Context) (*Result, error) {
	result := &Result{}
	err := r.phases(ctx, result)
	var stopped stopError
	switch {
	case err == nil:
	case errors.As(err, &stopped):
		result.Stopped = stopped.Error()
	case ctx.Err() != nil:
		result.Stopped = "interrupted"
	default:
		return nil, err
	}
	if result.Stopped != "interrupted" {
		if err := r.end(ctx); err != nil {
			result.Stopped = "interrupted"
		}
	}
	result.check = func() ([]checker.Problem, []checker.Number) {
		problems, numbers := r.load.Check(workload.Record{
			History: r.history, Journal: r.net.Journal(), End: r.endedAt, Lag: r.pulse.lag,
		})
		return append(problems, checker.Errors(r.history, r.expected, r.excuse())...), numbers
	}
	result.History, result.Sick, result.Journal = r.history, r.ward.all, r.net.Journal()
	result.start = r.start
	result.Played = r.plays
	r.noteCarrier()
	result.Notes = r.notes.texts()
	result.Elapsed = time.Since(r.start)
	return result, nil
}

// A stopError ends a test before its time; the result tells why.
type stopError string

func (e stopError) Error() string { return string(e) }

func (r *runner) phases(ctx context.Context, result *Result) error {
	if err := r.startAll(ctx); err != nil {
		return err
	}
	if err := r.setup(ctx); err != nil {
		return err
	}
	began := r.now
	err := r.main(ctx)
	result.Asked = r.now - began
	if err != nil {
		return err
	}
	if err := r.calm(ctx); err != nil {
		return err
	}
	return r.final(ctx)
}

func (r *runner) startAll(ctx context.Context) error {
	for _, n := range r.nodes {
		r.begin(n)
	}
	settled := func() bool {
		for _, n := range r.nodes {
			if n.state == starting {
				return false
			}
		}
		return true
	}
	if _, err := r.until(ctx, r.cfg.initTimeout()+time.Second, settled); err != nil {
		return err
	}
	for _, n := range r.nodes {
		if n.state != up {
			return stopError(n.name + " did not start")
		}
	}
	return nil
}

// idle reports whether no operation is open.
func (r *runner) idle() bool { return r.open == 0 }

// askAll asks some requests at the same time and waits for the answers. It
// returns the operations.
func (r *runner) askAll(ctx context.Context, requests []workload.Request) ([]history.Op, error) {
	first := r.history.Len()
	for i := range requests {
		c := r.newClient(r.byName[requests[i].Node])
		r.ask(c, requests[i])
	}
	_, err := r.until(ctx, r.now+time.Hour, r.idle)
	var ops []history.Op
	for i := first; i < r.history.Len(); i++ {
		ops = append(ops, r.history.At(i))
	}
	return ops, err
}

func (r *runner) setup(ctx context.Context) error {
	ops, err := r.askAll(ctx, r.load.Setup())
	if err != nil {
		return err
	}
	for i := range ops {
		if ops[i].Outcome != history.OK {
			return stopError(ops[i].Node + " did not accept " + ops[i].F + ": " + ops[i].Error)
		}
	}
	return nil
}

// main is the phase in which clients ask and faults happen.
func (r *runner) main(ctx context.Context) error {
	r.clients, r.free = nil, nil
	for i := range r.cfg.Concurrency {
		r.free = append(r.free, r.newClient(r.nodes[i%len(r.nodes)]))
	}
	r.nextOp = r.now
	r.asking = r.cfg.Rate != 0
	if err := r.beginNemeses(); err != nil {
		return err
	}
	_, err := r.until(ctx, r.now+r.cfg.TimeLimit, r.allDead)
	r.asking = false
	if err == nil && !r.allDead() {
		r.noteRate()
	}
	return err
}

func (r *runner) allDead() bool {
	for _, n := range r.nodes {
		if n.state != dead {
			return false
		}
	}
	return true
}

// calm ends all faults and waits until what is open has been answered, and then
// as long as was asked for.
func (r *runner) calm(ctx context.Context) error {
	r.heal()
	if err := r.settle(ctx); err != nil {
		return err
	}
	r.net.Quiesce(r.now)
	whole := func() bool {
		for _, n := range r.nodes {
			if n.state != up && n.state != dead {
				return false
			}
		}
		return r.open == 0
	}
	if _, err := r.until(ctx, r.now+r.cfg.timeout(r.inFinal)+r.cfg.initTimeout()+time.Second, whole); err != nil {
		return err
	}
	if _, err := r.until(ctx, r.now+r.cfg.quiesce(), func() bool { return false }); err != nil {
		return err
	}
	return r.settle(ctx)
}

// final asks every node a last time, until the answers are as they shall be.
func (r *runner) final(ctx context.Context) error {
	r.inFinal = true
	patience := r.now + cmp.Or(r.cfg.finalPatience, finalPatience)
	for {
		var requests []workload.Request
		for _, n := range r.nodes {
			if n.state != dead {
				req := r.load.Final(n.name)
				req.Node = n.name
				requests = append(requests, req)
			}
		}
		ops, err := r.askAll(ctx, requests)
		if err != nil {
			return err
		}
		lost := r.silent(ops)
		if lost != "" {
			if err := r.settle(ctx); err != nil {
				return err
			}
		}
		switch {
		case lost != "" && r.now >= patience:
			return stopError("what " + lost + " was asked in the final phase, or its answer, was lost by NATS")
		case lost != "":
		case r.load.Settled(ops) || r.now >= patience || r.allDead():
			return nil
		}
		again := r.now + 100*time.Millisecond
		if _, err := r.until(ctx, again, func() bool { return false }); err != nil {
			return err
		}
	}
}

// silent looks for nodes that did not answer in the final phase. It returns one whose
// request, or answer, was lost by the carrier, for which it is not to blame.
func (r *runner) silent(ops []history.Op) (lost string) {
	for i := range ops {
		n := r.byName[ops[i].Node]
		switch {
		case !strings.HasPrefix(ops[i].Error, noAnswer) || n.silent || n.state == dead:
		case r.notArrived(&ops[i]):
			lost = n.name
		default:
			n.silent = true
			r.ofNode(n, "no-final-reply", "did not answer %s in the final phase, within %v", ops[i].F, r.cfg.timeout(r.inFinal))
		}
	}
	return lost
}

// notArrived reports whether a request that was not answered, or its answer, was
// lost by the carrier.
func (r *runner) notArrived(op *history.Op) bool {
	e := r.expired[op.Client]
	return r.carrier != nil && e != nil && (e.line > 0 || r.net.Journal().At(e.record).Fate == sim.InFlight)
}

// end tells the nodes to end and waits until they have.
func (r *runner) end(ctx context.Context) error {
	r.ending, r.endedAt = true, r.now
	r.cluster.End()
	gone := func() bool {
		for _, n := range r.nodes {
			if n.state != dead && n.state != down {
				return false
			}
		}
		return true
	}
	_, err := r.until(ctx, r.now+r.cfg.endGrace()+stopGrace+10*time.Second, gone)
	return err
}

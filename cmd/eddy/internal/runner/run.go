package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A Result is the record of a test.
type Result struct {
	History        *history.History
	Violations     []*Violation
	Warnings       []*Violation // oddities between nodes: the first of each kind and node
	Journal        *sim.Journal
	Elapsed        time.Duration    // until all nodes had ended; Judge adds its own time
	MainPhase      time.Duration    // how long clients sent requests
	SimulatedNodes []string         // nodes that the workload simulated
	Stopped        string           // why the test ended early, or ""
	Notes          []string         // facts that do not change the verdict
	Numbers        []checker.Number // of the workload; set by Judge
	Crash          *Crash           // nil unless eddy itself failed; Judge may set it

	start  time.Time
	check  func() ([]checker.Problem, []checker.Number)
	load   workload.Workload
	tested func() tested
}

// Run runs a test. It returns an error if the program cannot be started or eddy
// itself fails. The faults of the nodes are in the result. When ctx ends, the test
// ends. When Run returns, all nodes have ended.
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
		rand: rand.New(rand.NewPCG(seed, 1)),
		turn: new(workload.Turn), draws: rand.NewPCG(seed, 2),
		byName: map[string]*node{}, byClient: map[string]*client{}, ended: map[clientRequest]*endedRequest{},
		warnings: violations{most: 1}, forwarded: map[int]bool{},
	}
	r.load = cfg.Spec.New(workload.Env{
		Nodes: cfg.Nodes, Topology: workload.Topology(cfg.Topology, cfg.Nodes),
		Turn: r.turn, Rand: rand.New(r.draws),
		CallTimeout: cfg.CallTimeout, CallAttempts: cfg.CallAttempts, CallBackoff: cfg.CallBackoff, Flooded: cfg.Rate == MaxRate, IgnoreLate: cfg.IgnoreLate,
		Txn: cfg.Txn,
	})
	r.peers = newPeers(r.load, seed)
	if cfg.Carrier != nil {
		defer cfg.Carrier.Close()
		if err := r.openCarrier(ctx); err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("start the NATS servers of the test: %v", err)
		}
		r.start = time.Now()
	}
	r.stalls = newStallMonitor(r.start)
	r.looked = time.Since(r.start)
	defer r.stalls.end()
	for i, name := range cfg.Nodes {
		n := &node{name: name, index: i, incarnation: newIncarnation(0)}
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

// run runs the phases and returns the result.
func (r *runner) run(ctx context.Context) (*Result, error) {
	result := &Result{}
	err := guard(func() error { return r.phases(ctx, result) })
	var stopped stopError
	switch {
	case err == nil:
	case errors.As(err, &result.Crash):
		result.Stopped = err.Error()
	case errors.As(err, &stopped):
		result.Stopped = stopped.Error()
	case ctx.Err() != nil:
		result.Stopped = "interrupted"
	default:
		return nil, err
	}
	if result.Stopped != "interrupted" && result.Crash == nil {
		switch err := guard(func() error { return r.end(ctx) }); {
		case errors.As(err, &result.Crash):
			result.Stopped = err.Error()
		case err != nil:
			result.Stopped = "interrupted"
		}
	}
	if result.Crash == nil {
		r.endTest()
	}
	result.check = func() ([]checker.Problem, []checker.Number) {
		problems, numbers := r.load.Check(workload.Record{
			History: r.history, Journal: r.net.Journal(), End: r.endedAt, Lag: r.stalls.lag, Stood: r.stalls.between,
		})
		return append(problems, checker.Errors(r.history, r.expectsError, r.excuse())...), numbers
	}
	result.History, result.Violations, result.Warnings, result.Journal = r.history, r.violations.all, r.warnings.all, r.net.Journal()
	result.start, result.load, result.tested = r.start, r.load, r.tested
	result.SimulatedNodes = r.peers.names
	r.noteCarrier()
	r.noteLogs()
	result.Notes = r.notes.texts()
	result.Elapsed = time.Since(r.start)
	return result, nil
}

// A stopError ends a test early. The result says why.
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
	result.MainPhase = r.now - began
	if err != nil {
		return err
	}
	if err := r.quiesce(ctx); err != nil {
		return err
	}
	return r.final(ctx)
}

func (r *runner) startAll(ctx context.Context) error {
	for _, n := range r.nodes {
		r.startNode(n)
	}
	started := func() bool {
		for _, n := range r.nodes {
			if n.state == starting {
				return false
			}
		}
		return true
	}
	if _, err := r.until(ctx, r.cfg.initTimeout()+time.Second, started); err != nil {
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

// requestAll sends requests at the same time and waits until their operations have
// ended. It returns the operations.
func (r *runner) requestAll(ctx context.Context, requests []workload.Request) ([]history.Op, error) {
	first := r.history.Len()
	for i := range requests {
		c := r.newClient(r.byName[requests[i].Node])
		r.request(c, requests[i])
	}
	_, err := r.until(ctx, r.now+time.Hour, r.idle)
	var ops []history.Op
	for i := first; i < r.history.Len(); i++ {
		if op := r.history.At(i); !op.Again {
			ops = append(ops, op)
		}
	}
	return ops, err
}

// setup sends the requests before all others. The network delivers them: a test whose
// own preparation is lost would say nothing about the nodes.
func (r *runner) setup(ctx context.Context) error {
	r.net.SpareClients(true)
	defer r.net.SpareClients(false)
	ops, err := r.requestAll(ctx, r.load.Setup())
	if err != nil {
		return err
	}
	for i := range ops {
		if ops[i].Outcome != history.OK {
			return stopError(ops[i].F + " of " + ops[i].Node + " failed: " + ops[i].Error)
		}
	}
	return nil
}

// main is the phase with faults, in which clients send requests.
func (r *runner) main(ctx context.Context) error {
	r.clients, r.free = nil, nil
	for i := range r.cfg.Concurrency {
		c := r.newClient(r.nodes[i%len(r.nodes)])
		c.number = int64(i)
		r.free = append(r.free, c)
	}
	r.nextOp = r.now
	r.mainFirst = r.history.Len()
	r.inMain = r.cfg.Rate != 0
	if err := r.startNemeses(); err != nil {
		return err
	}
	growth := r.watchGrowth()
	_, err := r.until(ctx, r.now+r.cfg.TimeLimit, r.allExited)
	r.noteGrowth(growth.end())
	r.inMain = false
	r.mainEnd, r.mainEnded = r.history.Len(), r.now
	if err == nil && !r.allExited() {
		r.noteRate()
	}
	return err
}

func (r *runner) allExited() bool {
	for _, n := range r.nodes {
		if n.state != exited {
			return false
		}
	}
	return true
}

// quiesce ends all faults, waits until all operations have ended and all nodes are
// up, and then waits for the configured time.
func (r *runner) quiesce(ctx context.Context) error {
	r.endAllFaults()
	if err := r.awaitServers(ctx); err != nil {
		return err
	}
	r.net.Quiesce(r.now)
	recovered := func() bool {
		for _, n := range r.nodes {
			if n.state != up && n.state != exited {
				return false
			}
		}
		return r.open == 0
	}
	if _, err := r.until(ctx, r.now+r.cfg.timeout(r.inFinal)+r.cfg.initTimeout()+time.Second, recovered); err != nil {
		return err
	}
	if _, err := r.until(ctx, r.now+r.cfg.quiesce(), func() bool { return false }); err != nil {
		return err
	}
	return r.awaitServers(ctx)
}

// final sends the final requests to every node, until their results are complete.
func (r *runner) final(ctx context.Context) error {
	r.inFinal = true
	r.draws.Seed(r.cfg.Network.Seed, 3)
	end := r.now - r.stood + cmp.Or(r.cfg.Final.Requests, finalTimeout)
	over := func() bool { return r.now-r.stood >= end }
	for {
		var requests []workload.Request
		for _, n := range r.nodes {
			if n.state != exited {
				requests = append(requests, r.finals(n.name)...)
			}
		}
		ops, err := r.requestAll(ctx, requests)
		if err != nil {
			return err
		}
		lost := r.checkFinal(ops)
		if lost != "" {
			if err := r.awaitServers(ctx); err != nil {
				return err
			}
		}
		switch {
		case lost != "" && over():
			return stopError("NATS lost a final request to " + lost + ", or the reply")
		case lost != "":
		case r.load.Settled(ops) || r.allExited():
			return nil
		case progressed(r.load):
			end = r.now - r.stood + cmp.Or(r.cfg.Final.Requests, finalTimeout)
			continue
		case over():
			return nil
		}
		again := r.now + 100*time.Millisecond
		if _, err := r.until(ctx, again, func() bool { return false }); err != nil {
			return err
		}
	}
}

// finals returns the final requests to a node.
func (r *runner) finals(node string) []workload.Request {
	requests := []workload.Request{r.load.Final(node)}
	if many, ok := r.load.(workload.ManyFinal); ok {
		requests = many.Finals(node)
	}
	for i := range requests {
		requests[i].Node = node
	}
	return requests
}

// progressed reports whether a workload says that the final phase makes progress.
func progressed(load workload.Workload) bool {
	many, ok := load.(workload.ManyFinal)
	return ok && many.Progressed()
}

// checkFinal adds violations for nodes that sent no reply in the final phase. If the
// carrier lost the request or the reply, it returns the node instead.
func (r *runner) checkFinal(ops []history.Op) (lost string) {
	replied := map[string]bool{}
	for i := range ops {
		replied[ops[i].Node] = replied[ops[i].Node] || !strings.HasPrefix(ops[i].Error, noReply)
	}
	for i := range ops {
		n := r.byName[ops[i].Node]
		switch {
		case r.carrier != nil && !ops[i].InTime():
			lost = n.name
		case !strings.HasPrefix(ops[i].Error, noReply) || replied[n.name] || n.noReply || n.state == exited:
		case r.lostByCarrier(&ops[i]):
			lost = n.name
		default:
			n.noReply = true
			r.nodeViolation(n, "no-final-reply", "sent no reply to %s in the final phase within %v", ops[i].F, r.cfg.timeout(r.inFinal))
		}
	}
	return lost
}

// lostByCarrier reports whether the carrier lost the request of an operation that
// timed out.
func (r *runner) lostByCarrier(op *history.Op) bool {
	e := r.ended[clientRequest{op.Client, op.MsgID}]
	return r.carrier != nil && e != nil && r.net.Journal().At(e.record).Fate == sim.InFlight
}

// end tells the nodes to end and waits until they have.
func (r *runner) end(ctx context.Context) error {
	r.ending, r.endedAt = true, r.now
	r.cluster.End()
	ended := func() bool {
		for _, n := range r.nodes {
			if n.state != exited && n.state != down {
				return false
			}
		}
		return true
	}
	_, err := r.until(ctx, r.now+r.cfg.endGrace()+stopGrace+10*time.Second, ended)
	return err
}

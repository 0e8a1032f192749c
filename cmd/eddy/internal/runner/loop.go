package runner

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A runner runs a test. It is used by one goroutine.
type runner struct {
	cfg     *Config
	start   time.Time
	now     time.Duration // since start; never goes back
	looked  time.Duration // when the loop last looked at the clock, or should have
	sleep   time.Duration // how long the loop sleeps, or 0
	stood   time.Duration // how long the loop has stood still in all: see standStill
	net     *sim.Network
	cluster *cluster.Cluster
	load    workload.Workload
	turn    *workload.Turn
	draws   *rand.PCG // the source of the random numbers of load
	rand    *rand.Rand
	events  []cluster.Event // the last batch, for reuse
	line    []byte          // a buffer

	violations violations
	warnings   violations
	ofLine     []*Violation // those by the line that was read last

	asked     map[string]*idCounts // by client: the copies of its requests that any node got
	forwarded map[int]bool         // the messages that a node has passed on under a client's name
	passedOn  bool                 // a node may have passed a client's request on to another

	nodes     []*node
	byName    map[string]*node
	clients   []*client
	byClient  map[string]*client
	ended     map[clientRequest]*endedRequest
	processes int       // the number of client names used
	free      []*client // clients without an open operation
	history   *history.History
	open      int // the number of open operations
	outcomes  [4]int

	sent               int           // operations of the main phase
	mainFirst, mainEnd int           // where they begin and end in the history
	mainEnded          time.Duration // when the main phase ended
	noClient           int           // how often an operation was due and no client was free
	noNode             int           // how often an operation was due and no node was up
	nextOp             time.Duration // when the next operation is due
	notes              notes

	faults      []*ongoingFault
	faultTimers timers
	sendTimers  timers // of messages that simulated nodes send later
	peers       peers
	carrier     *carrierState // nil without a carrier
	stalls      *stallMonitor
	nextTick    time.Duration

	inMain  bool          // the main phase, in which clients send requests
	inFinal bool          // the final phase
	ending  bool          // the nodes were told to end
	endedAt time.Duration // when they were told
}

// tick is how often timeouts are checked.
const tick = 20 * time.Millisecond

// until runs the test until done returns true, or until a time. It reports whether
// done returned true.
func (r *runner) until(ctx context.Context, end time.Duration, done func() bool) (bool, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := r.step(); err != nil {
			return false, err
		}
		if done() {
			return true, nil
		}
		if r.now >= end {
			return false, nil
		}
		wait := min(end, r.nextDue()) - r.look()
		if wait <= 0 {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			continue
		}
		timer.Reset(wait)
		r.sleep = wait
		select {
		case <-r.cluster.Ready():
		case <-r.carrierReady():
		case <-timer.C:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// nextDue returns when the next timer of any kind is due.
func (r *runner) nextDue() time.Duration {
	due := r.nextTick
	if at, ok := r.net.Next(); ok {
		due = min(due, at)
	}
	for _, t := range []*timers{&r.faultTimers, &r.sendTimers} {
		if at, ok := t.next(); ok {
			due = min(due, at)
		}
	}
	if r.inMain && len(r.free) > 0 {
		due = min(due, r.nextOp)
	}
	return due
}

// advance sets the time, unless it would go back.
func (r *runner) advance(to time.Duration) { r.now = max(r.now, to) }

// step does everything that is due now.
func (r *runner) step() error {
	r.events = r.cluster.Events(r.events)
	r.wake()
	for i := range r.events {
		e := &r.events[i]
		r.advance(e.At.Sub(r.start))
		if late := r.now - e.At.Sub(r.start); late > minStall {
			r.stalls.add(r.now-late, r.now)
		}
		n := r.nodes[e.Node]
		switch e.Kind {
		case cluster.Wrote:
			r.wrote(n, e)
		case cluster.Exited:
			r.exited(n, e)
		case cluster.Started:
			if err := r.started(n, e); err != nil {
				return err
			}
		}
		r.look()
	}
	r.advance(r.look())
	r.faultTimers.run(r.now)
	r.sendTimers.run(r.now)
	if err := r.deliverArrivals(); err != nil {
		return err
	}
	r.deliverDue()
	if r.inMain {
		r.sendRequests()
		r.deliverDue()
	}
	if r.now >= r.nextTick {
		r.nextTick = r.now + tick
		r.checkInits()
		r.checkTimeouts()
		r.showProgress()
		return r.checkCarrier()
	}
	return nil
}

// deliverDue delivers the messages that are due.
func (r *runner) deliverDue() {
	for {
		d, ok := r.net.Due(r.now)
		if !ok {
			return
		}
		r.deliver(&d)
		r.advance(r.look()) // the next message is delivered at this time, not before
	}
}

func (r *runner) deliver(d *sim.Delivery) {
	if n := r.byName[d.Dest]; n != nil {
		r.deliverToNode(n, d)
	} else if !r.serve(d) && !r.deliverToPeer(d) {
		r.deliverToClient(d)
	}
}

func (r *runner) deliverToNode(n *node, d *sim.Delivery) {
	if n.state == exited {
		r.net.Undeliver(r.now, *d, sim.Down)
		return
	}
	r.line = message.Append(r.line[:0], d.Src, d.Dest, d.Body)
	if !r.cluster.Send(n.index, r.line) {
		r.net.Undeliver(r.now, *d, sim.Unread)
		if r.mustRead(n) && r.cluster.Queued(n.index) > 0 {
			r.nodeViolation(n, "unread-input", "did not read %d bytes of its input", r.cluster.Queued(n.index))
		}
		return
	}
	if d.ID != message.None {
		r.countRequest(n, d)
	}
	if r.cfg.Trace != nil {
		r.cfg.Trace(Traffic{At: r.now, Received: true, Message: &d.Message})
	}
}

// mustRead reports whether nothing excuses a node that does not read its input.
func (r *runner) mustRead(n *node) bool {
	return n.state == up && n.pauses == 0 && r.now >= n.readsFrom && !r.ending
}

// sendRequests lets free clients send requests, at the configured rate.
func (r *runner) sendRequests() {
	for len(r.free) > 0 && r.nextOp <= r.now {
		c := r.nextClient()
		if c == nil {
			r.nextOp = r.now + tick
			r.noNode++
			return
		}
		r.sent++
		r.setTurn(c)
		r.request(c, r.nextRequest(c))
		if r.cfg.Rate > 0 {
			r.nextOp += time.Duration(r.gap() / r.cfg.Rate * float64(time.Second))
		}
	}
	if r.cfg.Rate > 0 && len(r.free) == 0 {
		if r.nextOp <= r.now {
			r.noClient++
		}
		r.nextOp = max(r.nextOp, r.now-time.Second) // requests that could not be sent are not made up for
	}
}

// gap returns a random time until the next request, in units of its mean. Half of the
// requests follow another one at once, since many bugs show only when two requests are
// served at the same time. Between these groups the time is uniform, as with Jepsen's
// stagger.
func (r *runner) gap() float64 {
	if r.rand.IntN(2) == 0 {
		return 0
	}
	return 4 * r.rand.Float64()
}

// setTurn sets what the next request of a client depends on. In each round every client
// has another place, since what is asked may depend on whether the number is even.
func (r *runner) setTurn(c *client) {
	clients := int64(r.cfg.Concurrency)
	r.turn.Number = c.asked*clients + (c.number+c.asked)%clients + 1
	r.turn.Client = int(c.number)
	c.asked++
	r.draws.Seed(r.cfg.Network.Seed, uint64(r.turn.Number)*0x9e3779b97f4a7c15) // numbers that follow each other must not look alike
}

// nextClient takes a free client whose node is up, if possible one of the next node
// in their order. If it took the client that was free first, two runs with the same
// seed would soon send the same request to different nodes, and few messages would
// have the same fate.
func (r *runner) nextClient() *client {
	at := -1
	if r.cfg.Rate > 0 {
		next := r.nodes[r.sent%len(r.nodes)]
		at = slices.IndexFunc(r.free, func(c *client) bool { return c.node == next && next.state == up })
	}
	if at < 0 {
		at = slices.IndexFunc(r.free, func(c *client) bool { return c.node.state == up })
	}
	if at < 0 {
		return nil
	}
	c := r.free[at]
	r.free = slices.Delete(r.free, at, at+1)
	return c
}

func (r *runner) showProgress() {
	if r.cfg.OnProgress == nil {
		return
	}
	p := Progress{At: r.now, OK: r.outcomes[history.OK], Fail: r.outcomes[history.Fail],
		Indefinite: r.outcomes[history.Indefinite], Messages: r.net.Journal().Len()}
	for _, f := range r.net.Faults() {
		p.Faults = append(p.Faults, f.String())
	}
	r.cfg.OnProgress(p)
}

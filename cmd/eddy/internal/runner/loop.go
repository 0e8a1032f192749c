package runner

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/workload"
	"github.com/eddyrpc/eddy/internal/message"
)

// A runner is a test that runs. All of it belongs to one goroutine.
type runner struct {
	cfg     *Config
	start   time.Time
	now     time.Duration // since start; never goes back
	net     *sim.Network
	cluster *cluster.Cluster
	load    workload.Workload
	rand    *rand.Rand
	events  []cluster.Event
	line    []byte
	ward    ward

	nodes     []*node
	byName    map[string]*node
	plays     []string // names that init lists beside the nodes
	clients   []*client
	byClient  map[string]*client
	expired   map[string]*expired // by the names of those who had asked
	processes int                 // client names given out
	free      []*client           // those that wait for work
	history   *history.History
	open      int // operations without an outcome
	outcomes  [4]int

	afflictions []*affliction // what goes wrong now
	asked       int           // operations of the main phase
	waited      int           // how often one was due and no client free
	nobody      int           // and how often no node was up
	notes       notes
	nextOp      time.Duration // when the next operation is due
	asking      bool          // the main phase: clients ask
	alarms      alarms        // of nemeses
	posts       alarms        // what the cast sends later
	cast        cast
	carrier     *carrying // nil without one
	pulse       *pulse
	nextTick    time.Duration
	inFinal     bool // the final phase
	ending      bool // the nodes were told to end
	endedAt     time.Duration
	news        bool // something happened that a phase may wait for
}

// tick is how often timeouts and the like are looked at.
const tick = 20 * time.Millisecond

// until runs the test until done, or until a time, whichever is first, and
// reports which: true for done.
func (r *runner) until(ctx context.Context, end time.Duration, done func() bool) (bool, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.news = false
		if err := r.step(); err != nil {
			return false, err
		}
		if done() {
			return true, nil
		}
		if r.now >= end {
			return false, nil
		}
		wait := min(end, r.nextDue()) - time.Since(r.start)
		if wait <= 0 {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-r.cluster.Ready():
		case <-r.arrivals():
		case <-timer.C:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// nextDue is when something is to be done that nobody wakes us for.
func (r *runner) nextDue() time.Duration {
	due := r.nextTick
	if at, ok := r.net.Next(); ok {
		due = min(due, at)
	}
	for _, a := range []*alarms{&r.alarms, &r.posts} {
		if at, ok := a.next(); ok {
			due = min(due, at)
		}
	}
	if r.asking && len(r.free) > 0 {
		due = min(due, r.nextOp)
	}
	return due
}

// advance sets the time, which never goes back.
func (r *runner) advance(to time.Duration) { r.now = max(r.now, to) }

// step does all that is to be done now.
func (r *runner) step() error {
	r.events = r.cluster.Events(r.events)
	for i := range r.events {
		e := &r.events[i]
		r.advance(e.At.Sub(r.start))
		if late := r.now - e.At.Sub(r.start); late > stallFrom {
			r.pulse.add(r.now-late, r.now)
		}
		n := r.nodes[e.Node]
		switch e.Kind {
		case cluster.Wrote:
			r.wrote(n, e)
		case cluster.Exited:
			r.exited(n, e)
			r.news = true
		case cluster.Started:
			if err := r.started(n, e); err != nil {
				return err
			}
		}
	}
	r.advance(time.Since(r.start))
	r.alarms.ring(r.now)
	r.posts.ring(r.now)
	if err := r.arrive(); err != nil {
		return err
	}
	r.deliver()
	if r.asking {
		r.askNext()
		r.deliver()
	}
	if r.now >= r.nextTick {
		r.nextTick = r.now + tick
		r.checkInits()
		r.checkTimeouts()
		r.tell()
		return r.checkCarrier()
	}
	return nil
}

// deliver hands out what has arrived.
func (r *runner) deliver() {
	for {
		d, ok := r.net.Due(r.now)
		if !ok {
			return
		}
		r.handOut(&d)
	}
}

func (r *runner) handOut(d *sim.Delivery) {
	if n := r.byName[d.Dest]; n != nil {
		r.deliverTo(n, d)
	} else if !r.serve(d) && !r.perform(d) {
		r.answer(d)
	}
}

func (r *runner) deliverTo(n *node, d *sim.Delivery) {
	if n.state == dead {
		r.net.Undeliver(r.now, *d, sim.Down)
		return
	}
	r.line = message.Append(r.line[:0], d.Src, d.Dest, d.Body)
	if !r.cluster.Send(n.index, r.line) {
		r.net.Undeliver(r.now, *d, sim.Unread)
		if n.state == up && n.paused == 0 && !r.ending && r.cluster.Queued(n.index) > 0 {
			r.ofNode(n, "unread-input", "left %d bytes of its input unread", r.cluster.Queued(n.index))
		}
		return
	}
	if d.ID != message.None {
		n.life.from(d.Src).copies.add(d.ID)
	}
	if r.cfg.Trace != nil {
		r.cfg.Trace(Traffic{At: r.now, Received: true, Message: &d.Message})
	}
}

// askNext lets free clients ask, at the rate that was asked for.
func (r *runner) askNext() {
	for len(r.free) > 0 && r.nextOp <= r.now {
		c := r.nextClient()
		if c == nil {
			r.nextOp = r.now + tick // nobody is there to be asked
			r.nobody++
			return
		}
		r.asked++
		r.ask(c, r.load.Next(c.node.name))
		if r.cfg.Rate > 0 {
			// As in Jepsen's stagger: uniform, with this mean.
			r.nextOp += time.Duration(2 * r.rand.Float64() / r.cfg.Rate * float64(time.Second))
		}
	}
	if r.cfg.Rate > 0 && len(r.free) == 0 {
		if r.nextOp <= r.now {
			r.waited++
		}
		r.nextOp = max(r.nextOp, r.now-time.Second) // what could not be asked is not made up for
	}
}

// nextClient takes a free client whose node is up: one of the node whose turn it
// is, if there is one. If whoever became free first were taken, two runs with the
// same seed would soon ask different nodes for the same, and have few fates in
// common.
func (r *runner) nextClient() *client {
	at := -1
	if r.cfg.Rate > 0 {
		turn := r.nodes[r.asked%len(r.nodes)]
		at = slices.IndexFunc(r.free, func(c *client) bool { return c.node == turn && turn.state == up })
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

func (r *runner) tell() {
	if r.cfg.Live == nil {
		return
	}
	p := Progress{At: r.now, OK: r.outcomes[history.OK], Fail: r.outcomes[history.Fail],
		Indefinite: r.outcomes[history.Indefinite], Messages: r.net.Journal().Len()}
	for _, f := range r.net.Faults() {
		p.Faults = append(p.Faults, f.String())
	}
	r.cfg.Live(p)
}

package runner

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
)

// A Carrier is a real network over which a test's messages go when the simulated
// one would hand them out. Its methods do not wait, but for Open and Close.
type Carrier interface {
	// Open joins the nodes, and whoever else is there from the beginning, and
	// returns when each can be reached.
	Open(ctx context.Context, nodes, others []string) error
	// Join joins a client, which is where its node is.
	Join(client, node string)
	// Reborn says that a node's next process begins.
	Reborn(node string)
	// Carry sends a message. It keeps nothing of it.
	Carry(*sim.Record)
	// Serve hands a message to a service.
	Serve(service string, line []byte)
	// Ready receives when Arrivals may have some.
	Ready() <-chan struct{}
	// Arrivals are what has come since it was last called.
	Arrivals() []Arrival

	// Servers are the names of its servers.
	Servers() []string
	// At are the nodes that are connected to some of the servers.
	At(servers []string) []string
	// Begin begins a fault of servers, and End ends it.
	Begin(*sim.Fault)
	End(*sim.Fault)
	// Gather finds out whether each server reaches everybody, as long as it takes;
	// Gathered tells when it has. By then what was carried before Gather has
	// arrived, or it never will.
	Gather()
	Gathered() bool
	// Err is why messages can't be carried any more, or nil.
	Err() error
	Close()
}

// An Arrival is what has come over a Carrier: the message of a record, or, from a
// service, a line.
type Arrival struct {
	Record int
	Body   []byte
	Line   []byte // unless nil
}

// gatherPatience is how long servers may take to come together when all is calm.
const gatherPatience = 30 * time.Second

// carrying is a test's use of a Carrier.
type carrying struct {
	Carrier
	broken    int  // faults of servers that are on
	whole     bool // none is on, and all have been seen to work since
	gathering bool
	turn      int // of the network, when gathering began
	failed    bool
}

// openCarrier makes the test's messages go over a Carrier.
func (r *runner) openCarrier(ctx context.Context) error {
	services := []string{}
	for name := range r.cast.services {
		services = append(services, name)
	}
	if err := r.cfg.Carrier.Open(ctx, r.cfg.Nodes, append(services, r.plays...)); err != nil {
		return err
	}
	r.carrier = &carrying{Carrier: r.cfg.Carrier, whole: true}
	r.net.SetCarrier(r.carrier.Carry)
	return nil
}

// arrivals is the carrier's Ready, or nil.
func (r *runner) arrivals() <-chan struct{} {
	if r.carrier == nil {
		return nil
	}
	return r.carrier.Ready()
}

// arrive hands out what has come over the carrier.
func (r *runner) arrive() error {
	if r.carrier == nil {
		return nil
	}
	for _, a := range r.carrier.Arrivals() {
		if a.Line != nil {
			m, err := message.Parse(a.Line)
			if err != nil {
				return fmt.Errorf("a service wrote %q: %w", a.Line, err)
			}
			r.net.Send(r.now, m)
			continue
		}
		d, ok := r.net.Arrived(r.now, a.Record)
		if !ok {
			continue
		}
		if !bytes.Equal(d.Body, a.Body) {
			return fmt.Errorf("message %d was sent as %s and arrived as %s", a.Record, d.Body, a.Body)
		}
		r.handOut(&d)
	}
	return nil
}

// serve hands a message to a service that the carrier has.
func (r *runner) serve(d *sim.Delivery) bool {
	if r.carrier == nil || r.cast.services[d.Dest] == nil {
		return false
	}
	r.line = message.Append(r.line[:0], d.Src, d.Dest, d.Body)
	r.carrier.Serve(d.Dest, r.line)
	return true
}

// gather begins to find out whether all servers work.
func (r *runner) gather() {
	r.carrier.gathering, r.carrier.turn = true, r.net.CarriedCount()
	r.carrier.Gather()
}

// checkCarrier looks whether the carrier still carries, and again does.
func (r *runner) checkCarrier() error {
	c := r.carrier
	if c == nil || c.failed {
		return nil
	}
	if err := c.Err(); err != nil {
		c.failed = true // the nodes are still to be ended
		return stopError(err.Error())
	}
	if !c.gathering || !c.Gathered() {
		return nil
	}
	if err := r.arrive(); err != nil {
		return err
	}
	c.gathering = false
	r.net.LoseCarried(c.turn)
	if !c.whole {
		c.whole = true
		r.net.ServersRecovered(r.now)
	}
	r.news = true
	return nil
}

// settle waits until all servers work and what was sent has arrived, or is lost.
func (r *runner) settle(ctx context.Context) error {
	if r.carrier == nil {
		return nil
	}
	r.gather()
	done, err := r.until(ctx, r.now+gatherPatience, func() bool { return !r.carrier.gathering })
	if err == nil && !done {
		err = stopError(fmt.Sprintf("the NATS servers did not come together within %v", gatherPatience))
	}
	return err
}

// noteCarrier tells what became of messages on the carrier.
func (r *runner) noteCarrier() {
	if r.carrier == nil {
		return
	}
	r.notes.add("carried over NATS: which messages its servers lose or delay does not follow the seed", "")
	lost := 0
	on := serverTroubles(r.net.Journal())
	for m := range r.net.Journal().All() {
		if m.Fate == sim.LostByCarrier && !slices.ContainsFunc(on, func(s [2]time.Duration) bool { return s[0] <= m.Sent && m.Sent <= s[1] }) {
			lost++
		}
	}
	if lost > 0 {
		r.notes.add(fmt.Sprintf("NATS lost %d messages while nothing was wrong with its servers; see nats-logs/connections.log", lost), "")
	}
}

// serverTroubles are the times from when a fault of servers began until they were
// whole again.
func serverTroubles(j *sim.Journal) (all [][2]time.Duration) {
	broken := false
	for _, e := range j.Events() {
		switch {
		case e.Begun != nil && e.Begun.IsServerFault() && !broken:
			all = append(all, [2]time.Duration{e.At, math.MaxInt64})
			broken = true
		case e.What == "servers-recovered":
			all[len(all)-1][1] = e.At
			broken = false
		}
	}
	return all
}

// beginOfServers begins a fault of the carrier's servers.
func (r *runner) beginOfServers(f *sim.Fault) {
	if !f.IsServerFault() {
		return
	}
	f.Nodes = r.carrier.At(f.Servers)
	r.carrier.broken++
	r.carrier.whole, r.carrier.gathering = false, false
	r.carrier.Begin(f)
}

func (r *runner) endOfServers(f *sim.Fault) {
	if !f.IsServerFault() {
		return
	}
	r.carrier.End(f)
	if r.carrier.broken--; r.carrier.broken == 0 {
		r.gather()
	}
}

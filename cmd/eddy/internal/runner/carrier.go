package runner

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A Carrier is a real network that carries the messages that the simulated network
// lets through. Its methods do not block, except Open and Close.
type Carrier interface {
	// Open connects the nodes and the other members, and returns when all of them
	// can be reached.
	Open(ctx context.Context, nodes, others []string) error
	// Join connects a client to the server of its node.
	Join(client, node string)
	// NewIncarnation is called before a node is started.
	NewIncarnation(node string)
	// Carry sends a message. It does not keep the record.
	Carry(*sim.Record)
	// Serve delivers a message to a service.
	Serve(service string, line []byte)
	// Ready receives a value when Arrivals may return some.
	Ready() <-chan struct{}
	// Arrivals returns what has arrived since the last call.
	Arrivals() []Arrival

	// Servers returns the names of the servers.
	Servers() []string
	// ConnectedTo returns the nodes that are connected to some of the servers.
	ConnectedTo(servers []string) []string
	// Begin begins a fault of servers, and End ends it.
	Begin(*sim.Fault)
	End(*sim.Fault)
	// CheckServers begins a check that each server reaches all members. The check
	// is repeated until it succeeds. ServersChecked reports whether it has
	// succeeded. Then every message that was carried before CheckServers has
	// arrived or is lost.
	CheckServers()
	ServersChecked() bool
	// Err returns why messages cannot be carried any more, or nil.
	Err() error
	Close()
}

// An Arrival is the body of a carried message, or a line from a service.
type Arrival struct {
	Record int
	Body   []byte
	Line   []byte // nil for a carried message
}

// serversTimeout is how long servers may take to recover after all faults.
const serversTimeout = 30 * time.Second

// carrierState is the state of a test's Carrier.
type carrierState struct {
	Carrier
	faults    int  // ongoing faults of servers
	recovered bool // there is no fault of servers, and a check has succeeded since the last
	checking  bool
	carried   int // how many copies had been carried when the check began
	failed    bool
}

// openCarrier opens the Carrier and sends the test's messages over it.
func (r *runner) openCarrier(ctx context.Context) error {
	services := []string{}
	for name := range r.peers.services {
		services = append(services, name)
	}
	if err := r.cfg.Carrier.Open(ctx, r.cfg.Nodes, append(services, r.peers.names...)); err != nil {
		return err
	}
	r.carrier = &carrierState{Carrier: r.cfg.Carrier, recovered: true}
	r.net.SetCarrier(r.carrier.Carry)
	return nil
}

// carrierReady returns the carrier's Ready, or nil.
func (r *runner) carrierReady() <-chan struct{} {
	if r.carrier == nil {
		return nil
	}
	return r.carrier.Ready()
}

// deliverArrivals delivers what has arrived over the carrier.
func (r *runner) deliverArrivals() error {
	if r.carrier == nil {
		return nil
	}
	for _, a := range r.carrier.Arrivals() {
		if a.Line != nil {
			m, err := message.Parse(a.Line)
			if err != nil {
				return fmt.Errorf("a service sent %q: %w", a.Line, err)
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
		r.deliver(&d)
	}
	return nil
}

// serve delivers a message to a service of the carrier.
func (r *runner) serve(d *sim.Delivery) bool {
	if r.carrier == nil || r.peers.services[d.Dest] == nil {
		return false
	}
	r.line = message.Append(r.line[:0], d.Src, d.Dest, d.Body)
	r.carrier.Serve(d.Dest, r.line)
	return true
}

// checkServers begins a check of all servers.
func (r *runner) checkServers() {
	r.carrier.checking, r.carrier.carried = true, r.net.CarriedCount()
	r.carrier.CheckServers()
}

// checkCarrier handles a failure of the carrier and the end of a check.
func (r *runner) checkCarrier() error {
	c := r.carrier
	if c == nil || c.failed {
		return nil
	}
	if err := c.Err(); err != nil {
		c.failed = true // reported once, because the nodes are still to be ended
		return stopError(err.Error())
	}
	if !c.checking || !c.ServersChecked() {
		return nil
	}
	if err := r.deliverArrivals(); err != nil {
		return err
	}
	c.checking = false
	r.net.LoseCarried(c.carried)
	if !c.recovered {
		c.recovered = true
		r.net.ServersRecovered(r.now)
	}
	return nil
}

// awaitServers waits until all servers work, and every carried message has arrived
// or is lost.
func (r *runner) awaitServers(ctx context.Context) error {
	if r.carrier == nil {
		return nil
	}
	r.checkServers()
	done, err := r.until(ctx, r.now+serversTimeout, func() bool { return !r.carrier.checking })
	if err == nil && !done {
		err = stopError(fmt.Sprintf("the NATS servers did not recover within %v", serversTimeout))
	}
	return err
}

// noteCarrier adds notes about messages that the carrier lost.
func (r *runner) noteCarrier() {
	if r.carrier == nil {
		return
	}
	r.notes.add("messages were carried over NATS: the seed does not decide which of them its servers lose or delay", "")
	lost := 0
	periods := serverFaultPeriods(r.net.Journal())
	for m := range r.net.Journal().All() {
		if m.Fate == sim.LostByCarrier && !slices.ContainsFunc(periods, func(s [2]time.Duration) bool { return s[0] <= m.Sent && m.Sent <= s[1] }) {
			lost++
		}
	}
	if lost > 0 {
		r.notes.add(fmt.Sprintf("NATS lost %d messages although there was no fault of its servers; see nats-logs/connections.log", lost), "")
	}
}

// serverFaultPeriods returns the periods from the beginning of a fault of servers
// until all servers had recovered.
func serverFaultPeriods(j *sim.Journal) (all [][2]time.Duration) {
	ongoing := false
	for _, e := range j.Events() {
		switch {
		case e.Begun != nil && e.Begun.IsServerFault() && !ongoing:
			all = append(all, [2]time.Duration{e.At, math.MaxInt64})
			ongoing = true
		case e.What == "servers-recovered":
			all[len(all)-1][1] = e.At
			ongoing = false
		}
	}
	return all
}

// beginServerFault begins a fault if it is one of servers.
func (r *runner) beginServerFault(f *sim.Fault) {
	if !f.IsServerFault() {
		return
	}
	f.Nodes = r.carrier.ConnectedTo(f.Servers)
	r.carrier.faults++
	r.carrier.recovered, r.carrier.checking = false, false
	r.carrier.Begin(f)
}

// endServerFault ends a fault if it is one of servers.
func (r *runner) endServerFault(f *sim.Fault) {
	if !f.IsServerFault() {
		return
	}
	r.carrier.End(f)
	if r.carrier.faults--; r.carrier.faults == 0 {
		r.checkServers()
	}
}

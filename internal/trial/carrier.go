package trial

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A Carrier is a real network that carries the messages that the simulated network
// lets through. Its methods do not block.
type Carrier interface {
	// Join connects a client to the server of its node.
	Join(client, node string)
	// NewIncarnation is called before a node is started.
	NewIncarnation(node string)
	// Carry sends a message. It does not keep the record.
	Carry(*sim.Record)
	// Serve delivers a message to a service.
	Serve(service string, line []byte)
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
}

// An Arrival is the body of a carried message, or a line from a service.
type Arrival struct {
	Record int
	Body   []byte
	Line   []byte // nil for a carried message
}

// carryLag is how much later than it was sent a message may be given to the carrier, on a
// busy machine.
const carryLag = 200 * time.Millisecond

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

// Others returns the names of the members that are neither nodes nor clients: of the
// services, and of the nodes that the workload simulates.
func (t *Trial) Others() []string {
	return slices.Concat(slices.Sorted(maps.Keys(t.peers.services)), t.peers.names)
}

// UseCarrier sends the test's messages over a carrier. Call it before Begin.
func (t *Trial) UseCarrier(c Carrier) {
	t.carrier = &carrierState{Carrier: c, recovered: true}
	t.net.SetCarrier(c.Carry)
}

// Arrive delivers what has arrived over the carrier.
func (t *Trial) Arrive(now time.Duration) {
	t.advance(now)
	if t.carrier == nil {
		return
	}
	for _, a := range t.carrier.Arrivals() {
		if err := t.arrived(&a); err != nil {
			t.fail(err)
			return
		}
	}
}

func (t *Trial) arrived(a *Arrival) error {
	if a.Line != nil {
		m, err := message.Parse(a.Line)
		if err != nil {
			return fmt.Errorf("a service sent %q: %w", a.Line, err)
		}
		t.net.Send(t.now, m)
		return nil
	}
	d, ok := t.net.Arrived(t.now, a.Record)
	if !ok {
		return nil
	}
	if !bytes.Equal(d.Body, a.Body) {
		return fmt.Errorf("message %d was sent as %s and arrived as %s", a.Record, d.Body, a.Body)
	}
	t.deliver(&d)
	return nil
}

// serve delivers a message to a service of the carrier.
func (t *Trial) serve(d *sim.Delivery) bool {
	if t.carrier == nil || t.peers.services[d.Dest] == nil {
		return false
	}
	t.line = message.Append(t.line[:0], d.Src, d.Dest, d.Body)
	t.carrier.Serve(d.Dest, t.line)
	return true
}

// checkServers begins a check of all servers.
func (t *Trial) checkServers() {
	t.carrier.checking, t.carrier.carried = true, t.net.CarriedCount()
	t.carrier.CheckServers()
}

// checkCarrier handles a failure of the carrier and the end of a check.
func (t *Trial) checkCarrier() {
	c := t.carrier
	if c == nil || c.failed {
		return
	}
	if err := c.Err(); err != nil {
		c.failed = true // reported once, because the nodes are still to be ended
		t.stop(err.Error())
		return
	}
	if !c.checking || !c.ServersChecked() {
		return
	}
	t.Arrive(t.now)
	c.checking = false
	t.net.LoseCarried(c.carried)
	if !c.recovered {
		c.recovered = true
		t.net.ServersRecovered(t.now)
	}
}

// awaitServers waits until all servers work, and every carried message has arrived
// or is lost. Then it calls then.
func (t *Trial) awaitServers(then func()) {
	if t.carrier == nil {
		then()
		return
	}
	t.checkServers()
	t.await(t.now+serversTimeout, func() bool { return !t.carrier.checking }, func(done bool) {
		if !done {
			t.stop(fmt.Sprintf("the NATS servers did not recover within %v", serversTimeout))
			return
		}
		then()
	})
}

// noteCarrier adds notes about messages that the carrier lost.
func (t *Trial) noteCarrier() {
	if t.carrier == nil {
		return
	}
	t.notes.add("messages were carried over NATS: the seed does not decide which of them its servers lose or delay", "")
	lost := 0
	periods := serverFaultPeriods(t.net.Journal())
	for m := range t.net.Journal().All() {
		if m.Fate == sim.LostByCarrier && !slices.ContainsFunc(periods, func(s [2]time.Duration) bool { return s[0]-carryLag <= m.Sent && m.Sent <= s[1] }) {
			lost++
		}
	}
	if lost > 0 {
		t.notes.add(fmt.Sprintf("NATS lost %d messages although there was no fault of its servers; see nats-logs/connections.log", lost), "")
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
func (t *Trial) beginServerFault(f *sim.Fault) {
	if !f.IsServerFault() {
		return
	}
	f.Nodes = t.carrier.ConnectedTo(f.Servers)
	t.carrier.faults++
	t.carrier.recovered, t.carrier.checking = false, false
	t.carrier.Begin(f)
}

// endServerFault ends a fault if it is one of servers.
func (t *Trial) endServerFault(f *sim.Fault) {
	if !f.IsServerFault() {
		return
	}
	t.carrier.End(f)
	if t.carrier.faults--; t.carrier.faults == 0 {
		t.checkServers()
	}
}

// Package grouping finds the calls of a journal: to which call each message belongs.
package grouping

import (
	"strconv"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A Call is a request of a client or a node, with all its attempts.
type Call struct {
	Parent  uint32        // the call for which it was made; 0 if this is not known
	Timeout time.Duration // of each attempt; 0 if this is not known
}

// A Grouping says to which call each message of a journal belongs.
//
// Messages do not contain this, so there are rules. A client's request is a call. A
// node's request is another attempt of a call if the same incarnation of the node has
// sent the same body (without ids) to the same receiver before, no reply to these
// attempts has been delivered since, and the request is not made for another call.
// Otherwise it is a new call. The payload of a call is sent for that call only, so a
// relay that sends it again although it has a reply makes another attempt. A reply belongs to the call of its request, a duplicate
// to the call of its original.
//
// A call is made for another call if its body is the payload of that call, or if that
// call is the only open request of a client at the node. If no client has an open
// request, the only open request of another node counts. A one-way message belongs to
// the call that is found in the same way.
type Grouping struct {
	Of    []uint32 // by message; 0 for none
	Calls []Call   // from index 1

	latest    map[attempt]*attempts
	byRequest map[request]*attempts
	payloads  map[attempt]uint32       // by node and payload: the call with this payload
	open      map[string]*openRequests // by node
}

// openRequests are the calls whose requests were delivered to a node and have no reply
// yet.
type openRequests struct{ clients, nodes map[request]uint32 }

// An attempt identifies the attempts of a call.
type attempt struct {
	src, dest   string
	incarnation int
	body        uint64
}

type request struct {
	src, dest string
	id        int64
}

// attempts are the attempts of one call.
type attempts struct {
	call    uint32
	settled bool // a reply was delivered
}

// Find finds the calls of a journal. timeout is that of each attempt of a node, unless
// the client's request sets another.
func Find(j *sim.Journal, timeout time.Duration) *Grouping {
	g := &Grouping{
		Of: make([]uint32, j.Len()), Calls: make([]Call, 1),
		latest: map[attempt]*attempts{}, byRequest: map[request]*attempts{},
		payloads: map[attempt]uint32{}, open: map[string]*openRequests{},
	}
	for step := range j.Steps() {
		m := &step.Record
		switch {
		case step.Event != nil:
			if step.Event.What == "killed" {
				delete(g.open, step.Event.Node)
			}
		case step.Sent && m.IsReply():
			g.addReply(m)
		case step.Sent && !m.IsRequest():
			g.Of[m.Index] = g.openCall(m.Src)
		case step.Sent && m.IsRequest():
			g.addRequest(m, timeout)
		case !step.Sent && m.Fate == sim.Delivered:
			g.delivered(m)
		}
	}
	for m := range j.All() {
		if m.IsDuplicate() {
			g.Of[m.Index] = g.Of[m.Of]
		}
	}
	return g
}

// addRequest adds a request that was sent.
func (g *Grouping) addRequest(m *sim.Record, timeout time.Duration) {
	if sim.IsClient(m.Src) {
		t := g.begin(m, Call{Timeout: timeoutOf(m.Body)})
		if payload := message.Member(m.Body, "payload"); payload != nil {
			g.payloads[attempt{src: m.Dest, body: sim.BodyHash(payload)}] = t.call
		}
		return
	}
	body := sim.BodyHash(m.Body)
	key := attempt{m.Src, m.Dest, m.Incarnation, body}
	c := Call{Parent: g.payloads[attempt{src: m.Src, body: body}], Timeout: timeout}
	relayed := c.Parent != 0
	if !relayed {
		c.Parent = g.openCall(m.Src)
	}
	if t := g.latest[key]; t != nil && (relayed || !t.settled) && (c.Parent == 0 || c.Parent == g.Calls[t.call].Parent) {
		g.Of[m.Index] = t.call
		g.byRequest[request{m.Src, m.Dest, m.ID}] = t
		return
	}
	if own := g.Calls[c.Parent].Timeout; c.Parent != 0 && own != 0 {
		c.Timeout = own
	}
	g.latest[key] = g.begin(m, c)
}

// openCall returns the call that a node is serving, if there is only one candidate.
func (g *Grouping) openCall(node string) uint32 {
	o := g.open[node]
	if o == nil {
		return 0
	}
	of := o.clients
	if len(of) == 0 {
		of = o.nodes
	}
	if len(of) != 1 {
		return 0
	}
	for _, only := range of {
		return only
	}
	return 0
}

// begin adds a call.
func (g *Grouping) begin(m *sim.Record, c Call) *attempts {
	t := &attempts{call: uint32(len(g.Calls))}
	g.Calls = append(g.Calls, c)
	g.Of[m.Index] = t.call
	g.byRequest[request{m.Src, m.Dest, m.ID}] = t
	return t
}

// addReply adds a reply that was sent.
func (g *Grouping) addReply(m *sim.Record) {
	key := request{m.Dest, m.Src, m.InReplyTo}
	if t := g.byRequest[key]; t != nil {
		g.Of[m.Index] = t.call
	}
	if o := g.open[m.Src]; o != nil {
		delete(o.clients, key)
		delete(o.nodes, key)
	}
}

// delivered handles the delivery of a message.
func (g *Grouping) delivered(m *sim.Record) {
	switch {
	case m.IsReply():
		if t := g.byRequest[request{m.Dest, m.Src, m.InReplyTo}]; t != nil {
			t.settled = true
		}
	case m.IsRequest():
		t := g.byRequest[request{m.Src, m.Dest, m.ID}]
		if t == nil {
			return
		}
		o := g.open[m.Dest]
		if o == nil {
			o = &openRequests{map[request]uint32{}, map[request]uint32{}}
			g.open[m.Dest] = o
		}
		of := o.nodes
		if sim.IsClient(m.Src) {
			of = o.clients
		}
		of[request{m.Src, m.Dest, m.ID}] = t.call
	}
}

// timeoutOf returns the timeout of each attempt that a request sets, or 0.
func timeoutOf(body []byte) time.Duration {
	ms, err := strconv.ParseFloat(string(message.Member(body, "timeout_ms")), 64)
	if err != nil || !(ms > 0 && ms < 1e9) {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

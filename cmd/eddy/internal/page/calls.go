package page

import (
	"strconv"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
)

// A call is what a client or a node asked of another, with all its attempts.
type call struct {
	parent  uint32        // the call that it was made for; 0 if that is not known
	timeout time.Duration // of each attempt, as the caller promises; 0 if nobody said
}

// grouping is which call every message of a journal belongs to.
//
// Nothing on the wire says so, hence a rule: a client's request is a call. A
// node's request is one more attempt of a call if the same node has sent the same
// body (but for ids) to the same receiver before, in the same incarnation, no reply to any
// of those has been delivered since, and it is not known to be made for another;
// otherwise it begins a call. A reply
// belongs to the call of the request it answers, a duplicate to that of its
// original.
//
// A call is made for another if its body is that one's payload, or if that one was
// the only request of a client's that its node had open, or, where there was none
// of a client's, of a node's. What is sent one-way belongs to the call that was
// open in this way, or to none.
type grouping struct {
	of    []uint32 // by the message; 0 for none
	calls []call   // from 1 on; the first is unused

	latest  map[attempted]*try
	asked   map[request]*try
	carried map[attempted]uint32   // by node and payload: the call that asked for it
	open    map[string]*unanswered // by node
}

// unanswered are the calls of the requests that a node was handed and has not
// answered.
type unanswered struct{ clients, nodes map[request]uint32 }

type attempted struct {
	src, dest   string
	incarnation int
	body        uint64
}

type request struct {
	src, dest string
	id        int64
}

type try struct {
	call    uint32
	settled bool
}

// group finds the calls of a journal. timeout is of each attempt of a call that a
// node makes and no request says otherwise.
func group(j *sim.Journal, timeout time.Duration) *grouping {
	g := &grouping{
		of: make([]uint32, j.Len()), calls: make([]call, 1),
		latest: map[attempted]*try{}, asked: map[request]*try{},
		carried: map[attempted]uint32{}, open: map[string]*unanswered{},
	}
	for step := range j.Steps() {
		m := &step.Record
		switch {
		case step.Event != nil:
			if step.Event.What == "killed" {
				delete(g.open, step.Event.Node)
			}
		case step.Sent && m.IsReply():
			g.answer(m)
		case step.Sent && !m.IsRequest():
			g.of[m.Index] = g.serving(m.Src)
		case step.Sent && m.IsRequest():
			g.ask(m, timeout)
		case !step.Sent && m.Fate == sim.Delivered:
			g.deliver(m)
		}
	}
	for m := range j.All() {
		if m.IsDuplicate() {
			g.of[m.Index] = g.of[m.Of]
		}
	}
	return g
}

// ask takes in a request that was sent.
func (g *grouping) ask(m *sim.Record, timeout time.Duration) {
	if sim.IsClient(m.Src) {
		t := g.begin(m, call{timeout: timeoutOf(m.Body)})
		if payload := message.Member(m.Body, "payload"); payload != nil {
			g.carried[attempted{src: m.Dest, body: sim.BodyHash(payload)}] = t.call
		}
		return
	}
	body := sim.BodyHash(m.Body)
	key := attempted{m.Src, m.Dest, m.Incarnation, body}
	c := call{parent: g.carried[attempted{src: m.Src, body: body}], timeout: timeout}
	if c.parent == 0 {
		c.parent = g.serving(m.Src)
	}
	if t := g.latest[key]; t != nil && !t.settled && (c.parent == 0 || c.parent == g.calls[t.call].parent) {
		g.of[m.Index] = t.call
		g.asked[request{m.Src, m.Dest, m.ID}] = t
		return
	}
	if asked := g.calls[c.parent].timeout; c.parent != 0 && asked != 0 {
		c.timeout = asked
	}
	g.latest[key] = g.begin(m, c)
}

// serving is the call that a node is busy with, if it can be no other.
func (g *grouping) serving(node string) uint32 {
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

func (g *grouping) begin(m *sim.Record, c call) *try {
	t := &try{call: uint32(len(g.calls))}
	g.calls = append(g.calls, c)
	g.of[m.Index] = t.call
	g.asked[request{m.Src, m.Dest, m.ID}] = t
	return t
}

// answer takes in a reply that was sent.
func (g *grouping) answer(m *sim.Record) {
	key := request{m.Dest, m.Src, m.InReplyTo}
	if t := g.asked[key]; t != nil {
		g.of[m.Index] = t.call
	}
	if o := g.open[m.Src]; o != nil {
		delete(o.clients, key)
		delete(o.nodes, key)
	}
}

// deliver takes in that a message arrived.
func (g *grouping) deliver(m *sim.Record) {
	switch {
	case m.IsReply():
		if t := g.asked[request{m.Dest, m.Src, m.InReplyTo}]; t != nil {
			t.settled = true
		}
	case m.IsRequest():
		t := g.asked[request{m.Src, m.Dest, m.ID}]
		if t == nil {
			return
		}
		o := g.open[m.Dest]
		if o == nil {
			o = &unanswered{map[request]uint32{}, map[request]uint32{}}
			g.open[m.Dest] = o
		}
		of := o.nodes
		if sim.IsClient(m.Src) {
			of = o.clients
		}
		of[request{m.Src, m.Dest, m.ID}] = t.call
	}
}

// timeoutOf is how long a request wants each attempt to wait.
func timeoutOf(body []byte) time.Duration {
	ms, err := strconv.ParseFloat(string(message.Member(body, "timeout_ms")), 64)
	if err != nil || !(ms > 0 && ms < 1e9) {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/message"
)

// A state is where a node is in its life.
type state int

const (
	down     state = iota // no process
	starting              // a process that has not answered init yet
	up
	dying // killed by us, and not gone yet
	dead  // ended by itself; it is not started again
)

// A node is one of the nodes under test.
type node struct {
	name  string
	index int
	state state
	life  *life

	paused  int  // by how many nemeses
	held    int  // by how many it is kept down
	wipe    bool // the next life begins in an empty directory
	initDue time.Duration
	silent  bool // it did not answer in the final phase
}

// A life is what a node's process has done and was given. What a process may do
// is judged by this alone: the next one begins anew.
type life struct {
	number int
	used   ledger            // its own msg_ids
	given  map[string]*given // by sender
}

// given is what one sender's requests came to.
type given struct{ copies, replies ledger }

func newLife(number int) *life { return &life{number: number, given: map[string]*given{}} }

func (l *life) from(sender string) *given {
	g := l.given[sender]
	if g == nil {
		g = &given{}
		l.given[sender] = g
	}
	return g
}

// initID is the msg_id of init.
const initID = 1

// initLine is the first line that a process reads.
func (r *runner) initLine(n *node) []byte {
	ids, err := json.Marshal(slices.Concat(r.cfg.Nodes, r.plays))
	if err != nil {
		panic(err) // they are strings
	}
	body := fmt.Appendf(nil, `{"type":"init","node_id":%q,"node_ids":%s}`, n.name, ids)
	return message.Append(nil, "c0", n.name, message.WithID(body, initID))
}

// begin starts the node's next process.
func (r *runner) begin(n *node) {
	n.state = starting
	if r.carrier != nil {
		r.carrier.Reborn(n.name)
	}
	number := r.cluster.Start(n.index, n.wipe)
	n.wipe = false
	n.life = newLife(number)
	n.initDue = r.now + r.cfg.initTimeout()
}

// started takes the news that a process runs, or couldn't be started.
func (r *runner) started(n *node, e *cluster.Event) error {
	if e.Err != nil {
		return e.Err
	}
	if n.state != starting { // a kill came before there was a process to kill
		r.cluster.Kill(n.index)
		return nil
	}
	if n.paused > 0 {
		r.cluster.Pause(n.index)
	}
	n.life.from("c0").copies.add(initID)
	r.cluster.Send(n.index, r.initLine(n))
	return nil
}

// exited takes the news that a process is gone.
func (r *runner) exited(n *node, e *cluster.Event) {
	switch {
	case r.ending:
		n.state = down
		r.noteEnd(n, e)
	case n.state == dying:
		n.state = down
		if n.held == 0 {
			r.begin(n)
		}
	default:
		was := n.state
		n.state = dead
		if was == up {
			r.net.Killed(n.name, r.now)
		}
		text := fmt.Sprintf("ended by itself: %v", e.Exit)
		if was == starting {
			text = fmt.Sprintf("ended before it had answered init: %v", e.Exit)
		}
		if tail := r.cluster.StderrTail(n.index); len(tail) > 0 {
			text += "; the last of its stderr:"
			for _, line := range tail {
				text += "\n    " + quote.Printable(line)
			}
		}
		r.ofNode(n, "exit", "%s", text)
		r.abandon(n)
	}
}

// wrote judges a line of a node and passes it on.
func (r *runner) wrote(n *node, e *cluster.Event) {
	if e.Incarnation != n.life.number || n.state == dead {
		return // the last words of a process that is gone
	}
	if stopped := r.endedAt + r.cfg.endGrace() + stopGrace; r.ending && r.now > stopped+r.pulse.lag(r.now) {
		r.ofLine(n, e, "after-stop", "wrote %.1fs after SIGTERM", (r.now - r.endedAt - r.cfg.endGrace()).Seconds())
	}
	if e.Line.Incomplete && n.state != up && n.state != starting {
		return // it was killed in the middle of it
	}
	if e.Line.Truncated() {
		r.ofLine(n, e, "long-line", "wrote a line of %d bytes", e.Line.Size)
		return
	}
	m, err := message.Parse(e.Line.Text)
	if err != nil {
		kind := "not-message"
		if len(err.Error()) > 8 && err.Error()[:8] == "not JSON" {
			kind = "not-json"
		}
		r.ofLine(n, e, kind, "%v", err)
		return
	}
	if m.ID != message.None && !copiesID(&m) && n.life.used.add(m.ID) > 1 {
		r.ofLine(n, e, "reused-id", "used the msg_id %d again", m.ID)
	}
	if m.Src != n.name {
		r.ofLine(n, e, "wrong-src", "wrote as %q", m.Src)
		return
	}
	r.judgeReply(n, e, &m)
	if !m.IsReply() && (m.Dest == "c0" || r.isClient(m.Dest)) {
		r.ofLine(n, e, "unsolicited", "wrote to %s, which is a client, and did not reply to it", m.Dest)
	}
	if n.state == starting {
		if m.InReplyTo == initID && m.Dest == "c0" {
			r.initialised(n, e, &m)
			return
		}
	} else if m.Dest == "c0" {
		return
	}
	r.send(n, e, m)
}

// copiesID reports whether a reply has its request's msg_id for its own: the
// first thing that one writes with Maelstrom's libraries, take the request's body
// and change its type, leaves it there. Nobody answers a reply, so that its id
// means nothing; and since every client counts for itself, such ids come up
// again and again.
func copiesID(m *message.Message) bool { return m.IsReply() && m.ID == m.InReplyTo }

// judgeReply compares a reply with what the node was given.
func (r *runner) judgeReply(n *node, e *cluster.Event, m *message.Message) {
	if !m.IsReply() {
		return
	}
	g := n.life.from(m.Dest)
	copies := g.copies.count(m.InReplyTo)
	replies := g.replies.add(m.InReplyTo)
	switch {
	case copies == 0:
		r.ofLine(n, e, "unrequested-reply", "replied to message %d of %s, which it was never given", m.InReplyTo, m.Dest)
	case replies > copies:
		r.ofLine(n, e, "extra-reply", "replied %d times to message %d of %s, which it was given %d times", replies, m.InReplyTo, m.Dest, copies)
	}
}

func (r *runner) initialised(n *node, e *cluster.Event, m *message.Message) {
	if m.Type != "init_ok" {
		r.ofLine(n, e, "no-init", "answered init with %s", m.Type)
		r.stop(n)
		n.state = dead
		return
	}
	n.state = up
	r.net.Started(n.name, n.life.number, r.now)
	r.news = true
}

// send gives a node's message to the network.
func (r *runner) send(n *node, e *cluster.Event, m message.Message) {
	if r.cfg.Trace != nil {
		r.cfg.Trace(Traffic{At: r.now, Message: &m})
	}
	if r.byName[m.Dest] == nil && !r.isClient(m.Dest) && !r.cast.has(m.Dest) {
		r.ofLine(n, e, "unknown-dest", "wrote to %q, which does not exist", m.Dest)
		r.net.Drop(r.now, m, sim.UnknownDest)
		return
	}
	if c := r.byClient[m.Dest]; c != nil && m.InReplyTo == c.id {
		c.line = e.Line.Number
	} else if late := r.expired[m.Dest]; late != nil && m.InReplyTo == late.id {
		late.line = e.Line.Number
	}
	r.net.Send(r.now, m)
	r.saw(&m)
}

// checkInits looks for processes that did not answer init in time.
func (r *runner) checkInits() {
	for _, n := range r.nodes {
		if n.state == starting && n.paused == 0 && r.now >= n.initDue {
			r.ofNode(n, "no-init", "did not answer init within %v", r.cfg.initTimeout())
			r.stop(n)
			n.state = dead
		}
	}
}

// stop kills a node that is of no more use.
func (r *runner) stop(n *node) { r.cluster.Kill(n.index) }

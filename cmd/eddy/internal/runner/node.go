package runner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
)

// A state is the state of a node.
type state int

const (
	down     state = iota // it has no process
	starting              // its process has not replied to init
	up
	killed // the test has killed its process, which has not exited yet
	exited // its process ended by itself or was stopped, and it is not started again
)

// A node is a node under test.
type node struct {
	name        string
	index       int
	state       state
	incarnation *incarnation

	pauses  int           // the number of faults that pause it
	kills   int           // the number of faults that keep it down
	wipe    bool          // the next incarnation starts in an empty directory
	initDue time.Duration // when the reply to init is due

	// readsFrom is when the node must have read what was sent to it during a pause.
	readsFrom time.Duration
	noReply   bool // it has a violation no-final-reply
}

// An incarnation is one process of a node, with what is needed to check its
// messages.
type incarnation struct {
	number   int                  // from 1
	ids      idCounts             // its own msg_ids
	requests map[string]*requests // by src
}

// requests counts by msg_id the delivered copies of requests, and the replies to
// them.
type requests struct{ copies, replies idCounts }

func newIncarnation(number int) *incarnation {
	return &incarnation{number: number, requests: map[string]*requests{}}
}

// next returns the incarnation after this one, which is not used any more. It may reply
// to the requests that were delivered to earlier ones: a node may keep its requests in
// its directory, and it cannot know which of its replies got out before it was killed.
// init is for one incarnation.
func (i *incarnation) next(number int) *incarnation {
	n := newIncarnation(number)
	for src, r := range i.requests {
		if src != "c0" {
			n.requests[src] = &requests{copies: r.copies}
		}
	}
	return n
}

func (i *incarnation) requestsFrom(src string) *requests {
	r := i.requests[src]
	if r == nil {
		r = &requests{}
		i.requests[src] = r
	}
	return r
}

// initID is the msg_id of init.
const initID = 1

// initLine returns the first line that a process reads.
func (r *runner) initLine(n *node) []byte {
	ids, err := json.Marshal(slices.Concat(r.cfg.Nodes, r.peers.names))
	if err != nil {
		panic(err) // strings can always be encoded
	}
	body := fmt.Appendf(nil, `{"type":"init","node_id":%s,"node_ids":%s}`, message.Quote(n.name), ids)
	return message.Append(nil, "c0", n.name, message.WithID(body, initID))
}

// startNode starts a node's next incarnation.
func (r *runner) startNode(n *node) {
	n.state = starting
	if r.carrier != nil {
		r.carrier.NewIncarnation(n.name)
	}
	number := r.cluster.Start(n.index, n.wipe)
	n.wipe = false
	n.incarnation = n.incarnation.next(number)
	n.initDue = r.now + r.cfg.initTimeout()
}

// started handles the event that a process was started, or could not be. If the program
// cannot be started any more, the test ends, and what it has found so far is kept.
func (r *runner) started(n *node, e *cluster.Event) error {
	switch {
	case e.Err == nil:
	case e.Incarnation == 1:
		return e.Err
	case r.ending:
		n.state = down
		return nil
	default:
		n.state = exited
		return stopError(fmt.Sprintf("%s could not be started again: %v", n.name, e.Err))
	}
	if n.state != starting { // the node was killed before it had a process
		r.cluster.Kill(n.index)
		return nil
	}
	if n.pauses > 0 {
		r.cluster.Pause(n.index)
	}
	n.incarnation.requestsFrom("c0").copies.add(initID)
	r.cluster.Send(n.index, r.initLine(n))
	return nil
}

// exited handles the event that a process has exited.
func (r *runner) exited(n *node, e *cluster.Event) {
	switch {
	case r.ending:
		n.state = down
		r.noteEnd(n, e)
	case n.state == exited: // stop has killed it
	case n.state == killed:
		n.state = down
		if n.kills == 0 {
			r.startNode(n)
		}
	default:
		was := n.state
		n.state = exited
		if was == up {
			r.net.Killed(n.name, r.now)
		}
		text := fmt.Sprintf("ended by itself: %v", e.Exit)
		if was == starting {
			text = fmt.Sprintf("ended before it replied to init: %v", e.Exit)
		}
		if lines := r.cluster.ErrorLines(n.index); len(lines) > 0 {
			text += "; on stderr:"
			for _, line := range lines {
				text += "\n    " + quote.Printable(line)
			}
		}
		r.nodeViolation(n, "exit", "%s", text)
		r.endOperations(n)
	}
}

// wrote checks a line of a node and sends the message.
func (r *runner) wrote(n *node, e *cluster.Event) {
	if e.Incarnation != n.incarnation.number || n.state == exited {
		return // of a process that has been replaced or has exited
	}
	terminated := r.ending && r.now >= r.endedAt+r.cfg.endGrace()
	if e.Line.Incomplete && (terminated || n.state != up && n.state != starting) {
		return // it was killed while it wrote the line
	}
	if stopped := r.endedAt + r.cfg.endGrace() + stopGrace; r.ending && r.now > stopped+r.stalls.lag(r.now) {
		r.lineViolation(n, e, "after-stop", "wrote output %.1fs after SIGTERM", (r.now - r.endedAt - r.cfg.endGrace()).Seconds())
	}
	if e.Line.Truncated() {
		r.lineViolation(n, e, "long-line", "wrote a line of %d bytes", e.Line.Size)
		return
	}
	m, flaws, err := message.ParseAny(e.Line.Text)
	if err != nil {
		kind := "not-message"
		if strings.HasPrefix(err.Error(), "not JSON") {
			kind = "not-json"
		}
		r.lineViolation(n, e, kind, "%v", err)
		return
	}
	r.ofLine = r.ofLine[:0]
	if !r.checkFlaws(n, e, &m, flaws) || !r.checkSrc(n, e, &m) {
		return
	}
	r.checkID(n, e, &m)
	r.checkReply(n, e, &m)
	if !m.IsReply() && (m.Dest == "c0" || r.isClient(m.Dest)) {
		r.lineViolation(n, e, "unsolicited", "sent a message to client %s that is not a reply", m.Dest)
	}
	if n.state == starting {
		if m.InReplyTo == initID && m.Dest == "c0" {
			r.initReply(n, e, &m)
			return
		}
	} else if m.Dest == "c0" {
		return
	}
	r.send(n, e, m)
}

// initReply handles the reply to init.
func (r *runner) initReply(n *node, e *cluster.Event, m *message.Message) {
	if m.Type != "init_ok" {
		r.lineViolation(n, e, "no-init", "replied to init with %s", m.Type)
		r.stop(n)
		return
	}
	n.state = up
	r.net.Started(n.name, n.incarnation.number, r.now)
}

// send sends a node's message. The violations of its line then have the message.
func (r *runner) send(n *node, e *cluster.Event, m message.Message) {
	if r.cfg.Trace != nil {
		r.cfg.Trace(Traffic{At: r.now, Message: &m})
	}
	if r.byName[m.Dest] == nil && !r.isClient(m.Dest) && !r.peers.has(m.Dest) {
		r.lineViolation(n, e, "unknown-dest", "sent a message to %q, which does not exist", m.Dest)
		r.haveMessage(r.net.Drop(r.now, m, sim.UnknownDest))
		return
	}
	r.checkReplier(n, e, &m)
	record := r.net.Send(r.now, m)
	r.haveMessage(record)
	if m.Src != n.name {
		r.forwarded[record], r.passedOn = true, true
	}
	if m.IsReply() {
		r.replied(&m, e.Line.Number, record)
	}
	r.observe(&m)
}

// checkInits stops the nodes whose reply to init is overdue.
func (r *runner) checkInits() {
	for _, n := range r.nodes {
		if n.state == starting && n.pauses == 0 && r.now >= n.initDue {
			r.nodeViolation(n, "no-init", "sent no reply to init within %v", r.cfg.initTimeout())
			r.stop(n)
		}
	}
}

// stop kills a node for good, after a violation.
func (r *runner) stop(n *node) {
	n.state = exited
	r.cluster.Kill(n.index)
}

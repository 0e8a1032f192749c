package trial

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

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
	mute   // it has not replied to init in time; the test ends, and with it its process
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
	further   bool // a note says that it writes further fields in envelopes

	lines     int           // that it has written
	lastWrote time.Duration // when it wrote the last of them before the nodes were told to end
	explained bool          // its lack of a reply has an explanation
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
func (t *Trial) initLine(n *node) []byte {
	ids, err := json.Marshal(slices.Concat(t.cfg.Nodes, t.peers.names))
	if err != nil {
		panic(err) // strings can always be encoded
	}
	body := fmt.Appendf(nil, `{"type":"init","node_id":%s,"node_ids":%s}`, message.Quote(n.name), ids)
	return message.Append(nil, "c0", n.name, message.WithID(body, initID))
}

// startNode starts a node's next incarnation.
func (t *Trial) startNode(n *node) {
	n.state = starting
	if t.carrier != nil {
		t.carrier.NewIncarnation(n.name)
	}
	number := t.processes.Start(n.index, n.wipe)
	n.wipe = false
	n.incarnation = n.incarnation.next(number)
	n.initDue = t.now + t.cfg.initTimeout()
}

// Started tells the trial that an incarnation of a node has a process, or with an error
// that it could not be started. If the program cannot be started any more, the test
// ends, and what it has found so far is kept.
func (t *Trial) Started(at time.Duration, node, incarnation int, err error) {
	t.advance(at)
	n := t.nodes[node]
	switch {
	case err == nil:
	case incarnation == 1:
		t.fail(err)
		return
	case t.ending:
		n.state = down
		return
	default:
		n.state = exited
		t.stop(fmt.Sprintf("%s could not be started again: %v", n.name, err))
		return
	}
	if n.state != starting { // the node was killed before it had a process
		t.processes.Kill(n.index)
		return
	}
	if n.pauses > 0 {
		t.processes.Pause(n.index)
	}
	n.incarnation.requestsFrom("c0").copies.add(initID)
	t.processes.Send(n.index, t.initLine(n))
}

// An Exit describes how a node's process has ended.
type Exit struct {
	State  string   // such as "exit status 3"
	OK     bool     // the status is 0
	Forced string   // the last signal that was sent to end it: "", "SIGTERM" or "SIGKILL"
	Stderr []string // what the process wrote about its end, line by line
}

// Exited tells the trial that a node's process has exited, and that its last line was
// given to Wrote.
func (t *Trial) Exited(at time.Duration, node int, exit Exit) {
	t.advance(at)
	n := t.nodes[node]
	switch {
	case n.state == mute:
		n.state = down
		t.explainMute(n)
	case t.ending:
		n.state = down
		t.noteEnd(n, &exit)
	case n.state == exited: // kill has ended it
	case n.state == killed:
		n.state = down
		if n.kills == 0 {
			t.startNode(n)
		}
	default:
		was := n.state
		n.state = exited
		if was == up {
			t.net.Killed(n.name, t.now)
		}
		text := "ended by itself: " + exit.State
		if was == starting {
			text = "ended before it replied to init: " + exit.State
		}
		if len(exit.Stderr) > 0 {
			text += "; on stderr:"
			for _, line := range exit.Stderr {
				text += "\n    " + quote.Printable(line)
			}
		}
		t.nodeViolation(n, "exit", "%s", text)
		t.endOperations(n)
	}
}

// A Line is a line that a node wrote to its standard output.
type Line struct {
	Incarnation int    // of the node, from 1
	Number      int64  // in the output of the incarnation, from 1
	Text        []byte // the line, or its beginning if it is too long; the trial keeps it
	Size        int64  // the length of the whole line in bytes
	Incomplete  bool   // the output ended before the end of the line
}

// Truncated reports whether Text is only the beginning of the line.
func (l *Line) Truncated() bool { return l.Size > int64(len(l.Text)) }

// Wrote gives a line of a node to the trial, which checks it and sends the message.
func (t *Trial) Wrote(at time.Duration, node int, line *Line) {
	t.advance(at)
	t.wrote(t.nodes[node], line)
}

func (t *Trial) wrote(n *node, line *Line) {
	if line.Incarnation != n.incarnation.number || n.state == exited {
		return // of a process that has been replaced or has exited
	}
	n.lines++
	if !t.ending {
		n.lastWrote = t.now
	}
	terminated := t.ending && t.now >= t.endedAt+t.cfg.EndGrace()
	if line.Incomplete && (terminated || n.state != up && n.state != starting) {
		return // it was killed while it wrote the line
	}
	if stopped := t.endedAt + t.cfg.EndGrace() + stopGrace; t.ending && t.now > stopped+t.stalls.lag(t.now) {
		t.lineViolation(n, line, "after-stop", "wrote output %.1fs after SIGTERM", (t.now - t.endedAt - t.cfg.EndGrace()).Seconds())
	}
	if line.Truncated() {
		t.lineViolation(n, line, "long-line", "wrote a line of %d bytes", line.Size)
		return
	}
	m, flaws, err := message.ParseAny(line.Text)
	switch {
	case err == nil:
		if t.lastWords(n, &m); n.state == mute {
			return
		}
	case strings.HasPrefix(err.Error(), "not JSON"):
		t.lineViolation(n, line, "not-json", "%s", notJSON(n, line, err))
		return
	default:
		t.lineViolation(n, line, "not-message", "%v", err)
		return
	}
	t.ofLine = t.ofLine[:0]
	if !t.checkFlaws(n, line, &m, flaws) || !t.checkSrc(n, line, &m) {
		return
	}
	t.checkID(n, line, &m)
	t.checkReply(n, line, &m)
	if !m.IsReply() && (m.Dest == "c0" || t.isClient(m.Dest)) {
		t.lineViolation(n, line, "unsolicited", "sent a message to client %s that is not a reply", m.Dest)
	}
	if n.state == starting {
		if m.InReplyTo == initID && m.Dest == "c0" {
			t.initReply(n, line, &m)
			return
		}
	} else if m.Dest == "c0" {
		return
	}
	t.send(n, line, m)
}

// initReply handles the reply to init.
func (t *Trial) initReply(n *node, line *Line, m *message.Message) {
	if m.Type != "init_ok" {
		t.lineViolation(n, line, "no-init", "%s", wrongInit(m))
		t.end(n)
		return
	}
	n.state = up
	t.net.Started(n.name, n.incarnation.number, t.now)
}

// send sends a node's message. The violations of its line then have the message.
func (t *Trial) send(n *node, line *Line, m message.Message) {
	if t.cfg.Trace != nil {
		traced := m
		t.cfg.Trace(Traffic{At: t.now, Message: &traced})
	}
	if t.byName[m.Dest] == nil && !t.isClient(m.Dest) && !t.peers.has(m.Dest) {
		t.lineViolation(n, line, "unknown-dest", "sent a message to %q, which does not exist", m.Dest)
		t.haveMessage(t.net.Drop(t.now, m, sim.UnknownDest))
		return
	}
	t.checkReplier(n, line, &m)
	record := t.net.Send(t.now, m)
	t.haveMessage(record)
	if m.Src != n.name {
		t.forwarded[record], t.passedOn = true, true
	}
	if m.IsReply() {
		t.replied(&m, line.Number, record)
	}
	t.observe(&m)
}

// checkInits stops the nodes whose reply to init is overdue.
func (t *Trial) checkInits() {
	for _, n := range t.nodes {
		if n.state == starting && n.pauses == 0 && t.now >= n.initDue {
			t.nodeViolation(n, "no-init", "sent no reply to init within %v", t.cfg.initTimeout())
			if n.incarnation.number > 1 {
				t.end(n)
			} else { // the test ends; what the node writes then may say why
				n.state = mute
			}
		}
	}
}

// end kills a node for good, after a violation.
func (t *Trial) end(n *node) {
	n.state = exited
	t.processes.Kill(n.index)
}

package eddy

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy/internal/wire"
)

// A reader reads the node's input: one goroutine at a time, which also runs the
// handlers of what it reads. When a handler waits for a call or has run for too
// long, another goroutine takes over the reading (readOn), and the first only
// ends its handler. So a node whose handlers don't block never switches
// goroutines, which costs more than all else that it does to a message, and
// still no handler can stop the node.
type reader struct {
	turn   atomic.Uint32 // of reading; who adds one to it is the one who reads on
	lines  *wire.Lines
	ahead  lookahead
	line   *scanned // the one that is served
	names  names
	readAt time.Duration // when the latest input came
	latest *handler      // that a message was for
	rooms  rooms         // of inline handlers' requests
	ended  chan error
}

// read reads until the input ends or another goroutine has taken over.
func (n *Node) read(turn uint32) {
	returned := false
	defer func() {
		if !returned { // a handler or callback ended the goroutine
			n.wakeElsewhere()
			n.watch.end(turn)
			n.takeTurn(turn)
		}
	}()
	n.readLines(&turn)
	returned = true
}

func (n *Node) readLines(turn *uint32) {
	for {
		line := n.nextLine()
		switch {
		case line.unread == nil:
			if *turn = n.receive(line, *turn); *turn == 0 {
				return
			}
		case errors.Is(line.unread, wire.ErrTooLong):
			n.badLine(line, line.unread)
		default:
			n.endBatch()
			n.reader.ended <- line.unread
			return
		}
	}
}

// readOn lets another goroutine read if reading stands still for this request's
// handler, which is about to wait.
func (n *Node) readOn(r *Request) {
	if r == nil {
		return
	}
	turn := r.turn
	if co := n.running.Load(); co != nil && co.request.Load() == r {
		turn = co.turn.Load() // its latest may be another than its first
	}
	if n.takeTurn(turn) {
		n.watch.end(turn)
	}
}

// takeTurn starts the next turn of reading on a goroutine of its own, if this
// turn is not over yet.
func (n *Node) takeTurn(turn uint32) bool {
	next := n.endTurn(turn)
	if next == 0 {
		return false
	}
	n.crew.do(n, duty{turn: next})
	return true
}

// endTurn makes whoever calls it for a turn first the one who reads on, in the
// turn that is returned; 0 for all others.
func (n *Node) endTurn(turn uint32) (next uint32) {
	next = max(turn+1, firstTurn) // the numbers run out after 2^32, and begin again
	if !n.reader.turn.CompareAndSwap(turn, next) {
		return 0
	}
	return next
}

// An input is the reading side of the transport. Read is called when no whole
// line is at hand, so what the lines before have caused is written first.
type input struct {
	node *Node
	from io.Reader
}

func (i input) Read(p []byte) (int, error) {
	n := i.node
	if n.official != nil && n.official.Apart {
		n.endBatchElsewhere()
	} else {
		n.endBatch()
	}
	defer n.beginBatch() // also if Read ends its goroutine: then another reads on
	read, err := i.from.Read(p)
	n.reader.readAt = n.now()
	return read, err
}

// receive takes in one line. It returns the turn to read on with, 0 if another
// goroutine does.
func (n *Node) receive(line *scanned, turn uint32) uint32 {
	n.reader.line = line
	if line.fault != nil {
		if n.official != nil && n.malformed(line.text) {
			return 0
		}
		n.badLine(line, line.fault)
		return turn
	}
	n.in.Add(1)
	m := &line.msg
	switch body := &m.Body; {
	case body.InReplyTo != NoID:
		n.reply(m)
		return n.runWoken(turn)
	case n.phase.Load() == ended:
		return 0
	case n.phase.Load() == draining:
		n.refuse(m, Errorf(TemporarilyUnavailable, "the node is ending"))
	case string(body.Type) == "init" && n.official == nil:
		return n.init(m, turn)
	case n.stage.Load() != ready && n.official == nil:
		n.refuse(m, Errorf(TemporarilyUnavailable, "the node has not been initialised"))
	case n.active.Load() >= int64(orDefault(n.MaxOpen, defaultMaxOpen)):
		n.refuse(m, Errorf(TemporarilyUnavailable, "%d requests are open, the most there may be", n.active.Load()))
	default:
		return n.dispatch(m, turn)
	}
	return turn
}

// refuse answers a request with an error, before any handler has seen it. A
// one-way message is dropped.
func (n *Node) refuse(m *wire.Message, e *Error) {
	if m.Body.ID == NoID {
		n.mu.Lock()
		n.stats.Dropped++
		n.mu.Unlock()
		return
	}
	n.answerTo(string(m.Src), string(m.Dest), m.Body.ID, n.appendError(nil, *e))
}

// answerTo writes a reply that belongs to no Request. Before init the node takes
// the name that it was called by.
func (n *Node) answerTo(src, calledBy string, id int64, fields []byte) {
	n.lockToWrite()
	defer n.mu.Unlock()
	name := calledBy
	if self := n.self.Load(); self != nil {
		name = self.id
	}
	d := n.dialect()
	buf := append(d.AppendHead(n.out.buf, name, src), fields...)
	n.out.buf = d.AppendTail(buf, id, n.replyID())
	n.stats.Out++
	n.flushSoon()
}

// badLine logs a line that is no message, and answers whom it can tell.
func (n *Node) badLine(line *scanned, reason error) {
	n.mu.Lock()
	n.stats.BadLines++
	n.mu.Unlock()
	n.logBadLine(line.number, line.text, reason)
	s := wire.SalvageLine(line.text)
	if errors.Is(reason, wire.ErrTooLong) && n.reader.lines.Reply() {
		return
	}
	if s.Answerable() && (n.self.Load() != nil || s.Dest != "") {
		n.answerTo(s.Src, s.Dest, s.ID, n.appendError(nil, Error{Code: MalformedRequest, Text: reason.Error()}))
	}
}

// names keeps one copy of each name that messages come with. The latest of each
// kind is at hand: that one comes again is the rule.
type names struct {
	known          map[string]string
	asker          string // the src of a request
	src, dest, typ string // of a reply
}

// latest is of, by way of the latest name of a kind.
func (s *names) latest(kind *string, b []byte) string {
	if string(b) != *kind {
		*kind = s.of(b)
	}
	return *kind
}

// maxNames bounds them, since a stranger may make up a new one each time.
const maxNames = 4096

func (s *names) of(b []byte) string {
	if name, ok := s.known[string(b)]; ok {
		return name
	}
	if s.known == nil || len(s.known) >= maxNames {
		s.known = make(map[string]string)
	}
	name := string(b)
	if len(name) <= 64 {
		s.known[name] = name
	}
	return name
}

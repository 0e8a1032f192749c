package eddy

import (
	"errors"
	"io"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/outbox"
	"github.com/eddyrpc/eddy/internal/wire"
)

// A reader is the state of the goroutine that reads the input. It runs the inline handlers and
// the callbacks of calls that get a reply. All other handlers run on goroutines of their own.
type reader struct {
	lines   *wire.Lines
	message wire.Message     // the latest
	line    []byte           // it stood here
	readAt  time.Duration    // when the latest input came
	names   *bounded.Strings // one copy of each name that messages come with
	fresh   []Request        // for inline handlers; each is used once
	apart   bool             // this goroutine never writes, see package official
}

// An input is the reading side of the transport. Read is called when no whole line is
// left, so that what the lines before have caused is written first.
type input struct {
	node *Node
	from io.Reader
}

func (i *input) Read(p []byte) (int, error) {
	n := i.node
	n.reader.line, n.reader.message = nil, wire.Message{} // they would keep the memory of a long line
	if n.reader.apart {
		n.out.EndSoon()
	} else {
		n.out.End()
	}
	// The reader waits while the output is full. Otherwise it would start handlers that
	// wait for room, as many as there are requests.
	n.out.LockWithRoom()
	n.out.Unlock()
	n.nudge()
	defer n.out.Begin() // also if Read ends the goroutine
	read, err := i.from.Read(p)
	n.reader.readAt = time.Since(n.start)
	return read, err
}

// readLines reads until the input ends. If a callback or an inline handler ends its
// goroutine, another goroutine goes on.
func (n *Node) readLines() {
	returned := false
	defer func() {
		if !returned {
			n.out.EndSoon()
			go n.readLines()
		}
	}()
	n.out.Begin()
	err := n.serveLines()
	n.out.End()
	n.nudge()
	n.inputEnded <- err
	returned = true
}

// serveLines serves line after line and returns why there is no further one.
func (n *Node) serveLines() error {
	for {
		line, err := n.reader.lines.Next()
		n.reader.line = line
		switch {
		case errors.Is(err, wire.ErrTooLong):
			n.badLine(line, err)
		case err != nil:
			return err
		default:
			if err := n.receive(line); err != nil {
				return err
			}
		}
	}
}

// receive takes in one line. An error ends the reading; there is none except in the
// official library's mode.
func (n *Node) receive(line []byte) error {
	m := &n.reader.message
	if err := n.dialect().Scan(m, line); err != nil {
		if n.official != nil {
			if end := n.official.Malformed(line); end != nil {
				return end
			}
		}
		n.badLine(line, err)
		return nil
	}
	n.in.Add(1)
	if m.Body.InReplyTo != NoID {
		n.receiveReply(m)
		return nil
	}
	return n.receiveRequest(m)
}

// receiveRequest takes in a message that is no reply.
func (n *Node) receiveRequest(m *wire.Message) error {
	switch {
	case n.phase.Load() != serving:
		n.refuse(m, Errorf(TemporarilyUnavailable, "the node is ending"))
	case n.official != nil:
		return n.dispatch(m)
	case string(m.Type) == "init":
		n.init(m)
	case n.stage.Load() != ready:
		n.refuse(m, Errorf(TemporarilyUnavailable, "the node has not been initialised"))
	default:
		return n.dispatch(m)
	}
	return nil
}

// refuse replies to a request with an error before a handler has seen it. It drops a
// one-way message.
func (n *Node) refuse(m *wire.Message, e *Error) {
	if m.Body.ID == NoID {
		n.dropped.Add(1)
		return
	}
	n.replyError(outbox.To{Src: string(m.Src), ID: m.Body.ID, Dest: string(m.Dest)}, e)
}

// replyError writes an error reply that belongs to no Request.
func (n *Node) replyError(to outbox.To, e *Error) {
	n.out.LockWithRoom()
	defer n.out.Unlock()
	if n.phase.Load() == ended {
		return
	}
	n.out.Error(to, int64(e.Code), e.Text, e.RetryAfter, false)
	n.out.Flush()
}

// badLine logs a line that is no message. It replies to the sender if the line says
// who sent it and which reply the sender waits for.
func (n *Node) badLine(line []byte, reason error) {
	n.badLines.Add(1)
	n.log.BadLine(n.reader.lines.Number(), line, reason)
	if errors.Is(reason, wire.ErrTooLong) && n.reader.lines.Reply() {
		return
	}
	s := wire.ReadBadLine(line)
	if s.Answerable() && (n.identity.Load() != nil || s.Dest != "") {
		to := outbox.To{Src: s.Src, ID: s.ID, Dest: s.Dest}
		n.replyError(to, &Error{Code: MalformedRequest, Text: reason.Error()})
	}
}

// message returns a message that was read in the form that users see. Its body stays
// where it is.
func (n *Node) message(m *wire.Message) Message {
	names := n.reader.names
	return Message{
		Src: names.Of(m.Src), Dest: names.Of(m.Dest), typ: names.Of(m.Type),
		ID: m.Body.ID, InReplyTo: m.Body.InReplyTo, Body: m.Raw,
	}
}

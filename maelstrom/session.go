package maelstrom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/official"
)

// graceAtEOF is how long calls may still wait when the input has ended, since no
// reply can come any more.
const graceAtEOF = time.Second

// A session is one Run, what was sent before it, and its node, which serves once.
// It is also that node's transport.
type session struct {
	*Node    // the user's
	node     eddy.Node
	official official.Node // the node, in the official library's mode
	opening  sync.Once
	failed   error // why Run ended early; set by the reader, read when it is over
}

// current is the session that runs or will.
func (n *Node) current() *session {
	if s := n.session.Load(); s != nil {
		return s
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session.Load() == nil {
		n.session.Store(n.newSession(0))
	}
	return n.session.Load()
}

// opened is the current session, whose node can send.
func (n *Node) opened() *session {
	s := n.current()
	s.open()
	return s
}

// renew makes the session behind one that has ended.
func (n *Node) renew(old *session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.newSession(old.official.LastID())
	if id := old.node.ID(); id != "" {
		s.official.Adopt(id, old.node.IDs())
	}
	for typ, h := range n.handlers {
		s.handle(typ, h)
	}
	n.session.Store(s)
}

func (n *Node) newSession(lastID int64) *session {
	s := &session{Node: n}
	s.official = official.Choose(&s.node, official.Mode{Malformed: s.malformed, Unknown: s.unknown, LastID: lastID})
	s.node.HandleInline("init", s.init)
	return s
}

// init gives the node its name while nothing else is read. The rest, which may run the
// user's handler, is done on another goroutine.
func (s *session) init(_ context.Context, req *eddy.Request) (any, error) {
	msg := Message{Src: req.Src, Dest: s.official.CalledBy(req), Body: bytes.Clone(req.Body)}
	err := s.adopt(msg)
	done := s.official.Busy()
	go func() {
		defer done()
		s.run(func(msg Message) error {
			if err != nil {
				return err
			}
			return s.initialise(msg)
		}, msg, req)
	}()
	return nil, nil
}

func (s *session) handle(typ string, h *handler) {
	switch {
	case typ == "init": // which calls the user's
	case h.dedup != nil:
		s.node.Handle(typ, h.dedup.Handler(s.serveOnce(h.fn)))
	default:
		s.node.Handle(typ, s.serve(h.fn))
	}
}

// open makes the session's node send, as soon as the user's fields are set.
func (s *session) open() {
	s.opening.Do(func() {
		_, isFile := s.Stdout.(*os.File)
		s.official.Open(s, !isFile)
	})
}

func (s *session) Write(p []byte) (int, error) { return s.Stdout.Write(p) }

func (s *session) Read(p []byte) (int, error) {
	read, err := s.Stdin.Read(p)
	switch err {
	case nil:
	case io.EOF:
		time.AfterFunc(graceAtEOF, s.official.EndCalls)
	default:
		s.failed = err
	}
	return read, err
}

func (s *session) malformed(line []byte) error {
	if !s.Strict {
		return nil
	}
	var msg Message
	if err := json.Unmarshal(line, &msg); err != nil {
		s.failed = fmt.Errorf("unmarshal message: %w", err)
	} else if err := json.Unmarshal(msg.Body, new(MessageBody)); err != nil {
		s.failed = fmt.Errorf("unmarshal message body: %w", err)
	} else if string(msg.Body) == "null" {
		return s.unknown(line) // has no type
	}
	return s.failed
}

func (s *session) unknown(line []byte) error {
	if s.Strict {
		//lint:ignore ST1005 the official library says it so
		s.failed = fmt.Errorf("No handler for %s", bytes.TrimSpace(line))
	}
	return s.failed
}

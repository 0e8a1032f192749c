package maelstrom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/official"
)

// graceAtEOF is how long calls may still wait after the end of the input. Then they end,
// since no reply can come any more.
const graceAtEOF = time.Second

// A session is a node of package eddy, which serves once, and the transport of that node.
// Each Run has a session. What the user sends before Run belongs to it too.
type session struct {
	user     *Node
	node     eddy.Node
	official official.Node // node, in the official library's mode
	opening  sync.Once
}

// current returns the session that runs, or that will run next.
func (n *Node) current() *session {
	if s := n.session.Load(); s != nil {
		return s
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.currentLocked()
}

func (n *Node) currentLocked() *session {
	if n.session.Load() == nil {
		n.session.Store(n.newSession(0))
	}
	return n.session.Load()
}

// opened returns the current session, and makes its node ready to send.
func (n *Node) opened() *session {
	if n.Stdout == nil {
		panic("maelstrom: Node.Stdout is nil")
	}
	s := n.current()
	s.open()
	return s
}

// renew makes the session that comes after one that has ended.
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
	s := &session{user: n}
	s.official = official.Choose(&s.node, official.Mode{Malformed: s.malformed, Unknown: s.unknown, LastID: lastID})
	s.node.HandleInline("init", s.init)
	return s
}

func (s *session) handle(typ string, h *handler) {
	switch {
	case typ == "init": // s.init calls it
	case h.dedup != nil:
		s.node.Handle(typ, h.dedup.Handler(s.serveOnce(h.fn)))
	default:
		s.node.Handle(typ, s.serve(h.fn))
	}
}

// open makes the node ready to send. By now the user has set the fields.
func (s *session) open() {
	s.opening.Do(func() {
		_, isFile := s.user.Stdout.(*os.File)
		s.node.Hooks = s.user.Hooks
		s.official.Open(s, !isFile)
	})
}

// init handles an init message. It sets the name of the node in the goroutine that reads,
// so that what is read next finds it set. The user's handler may block, so another
// goroutine runs it.
func (s *session) init(_ context.Context, req *eddy.Request) (any, error) {
	msg := Message{Src: req.Src, Dest: s.official.CalledBy(req), Body: bytes.Clone(req.Body)}
	var body InitMessageBody
	if err := json.Unmarshal(msg.Body, &body); err != nil {
		return nil, eddy.Errorf(eddy.Crash, "unmarshal init message body: %v", err)
	}
	s.official.Adopt(body.NodeID, body.NodeIDs)
	done := s.official.Hold(req)
	go func() {
		defer done()
		s.run(s.initialise, msg, req)
	}()
	return nil, nil
}

// initialise runs the user's handler of init, replies, and begins the loops.
func (s *session) initialise(msg Message) error {
	if h := s.user.handlerOf("init"); h != nil {
		if err := h.fn(msg); err != nil {
			return err
		}
	}
	if err := s.user.Reply(msg, MessageBody{Type: "init_ok"}); err != nil {
		return err
	}
	s.official.BeginLoops()
	return nil
}

// serve returns the handler of package eddy that runs a handler of the user.
func (s *session) serve(fn HandlerFunc) eddy.Handler {
	return func(_ context.Context, req *eddy.Request) (any, error) {
		if s.user.Hooks != nil {
			defer s.user.watched.add(req, json.RawMessage(req.Body.Get("msg_id")))()
		}
		s.run(fn, Message{Src: req.Src, Dest: s.official.CalledBy(req), Body: json.RawMessage(req.Body)}, req)
		return nil, nil
	}
}

// run runs a handler, and replies with its error if it returns one.
func (s *session) run(fn HandlerFunc, msg Message, req *eddy.Request) {
	err := guard(func() error { return fn(msg) })
	if err == nil {
		return
	}
	logError("handler of "+bounded.Name(req.Type()), err)
	answer, err := json.Marshal(errorReply(err))
	if err == nil {
		err = req.Reply(eddy.Raw(answer))
	}
	if err != nil {
		logError("reply error", err)
	}
}

// guard runs a function of the user. A panic becomes an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Printf("panic: %s\n%s", escape(bounded.Text(fmt.Sprint(p))), debug.Stack())
			err = NewRPCError(Crash, fmt.Sprintf("the handler panicked: %v", p))
		}
	}()
	return f()
}

// An inputError ends the reading. Run returns what it wraps.
type inputError struct{ error }

// Read reads the input.
func (s *session) Read(p []byte) (int, error) {
	n, err := s.user.Stdin.Read(p)
	switch err {
	case nil:
	case io.EOF:
		time.AfterFunc(graceAtEOF, s.official.EndCalls)
	default:
		err = inputError{err}
	}
	return n, err
}

// Write writes the output.
func (s *session) Write(p []byte) (int, error) { return s.user.Stdout.Write(p) }

// malformed returns why a line that is no message ends Run, nil if it does not.
func (s *session) malformed(line []byte) error {
	if !s.user.Strict {
		return nil
	}
	var msg Message
	if err := json.Unmarshal(line, &msg); err != nil {
		return inputError{fmt.Errorf("unmarshal message: %w", err)}
	}
	if err := json.Unmarshal(msg.Body, new(MessageBody)); err != nil {
		return inputError{fmt.Errorf("unmarshal message body: %w", err)}
	}
	if string(msg.Body) == "null" { // the official library looks for a handler of type ""
		return s.unknown(line)
	}
	return nil // the official library would take it
}

// unknown returns why a message without a handler ends Run, nil if it does not.
func (s *session) unknown(line []byte) error {
	if !s.user.Strict {
		return nil
	}
	//lint:ignore ST1005 this is the official library's text
	return inputError{fmt.Errorf("No handler for %s", bytes.TrimSpace(line))}
}

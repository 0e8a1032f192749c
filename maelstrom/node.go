// Package maelstrom is the API of Maelstrom's official Go library
// (github.com/jepsen-io/maelstrom/demo/go), on Eddy's node. A program moves by
// changing the import path and nothing else:
//
//	import maelstrom "github.com/eddyrpc/eddy/maelstrom"
//
// Its tests move with it: a node may send before Run and after it, run again on
// another input, and write to a pipe that nobody reads yet.
//
// # What it gains
//
// Integers stay exact, lines may be long. A handler's error keeps its code though it is
// wrapped or 0, its panic is answered with [Crash]. Requests are answered in their
// order as long as handlers don't block, and handlers that do (hold a mutex across a
// call, sleep, wait for each other) hold up nobody else. One-way messages are answered
// by nobody. A call that is cancelled or never answered leaves nothing behind, and Run
// ends when the input does. docs/from-maelstrom.md has the list, with a test for each
// item that the official library fails.
//
// # What it speaks
//
// Bytes on the wire are the official library's: replies bear no msg_id, calls are
// numbered from 1, names are sorted, any reply with a code tells of an error. As there,
// a line that is no message and a message without a handler end Run, unless
// [Node].Strict is false.
//
// # What it has besides
//
// The official library has no retries. [Node.RPCWithRetry] sends again on silence, by a
// [Policy], and says how many attempts it took; [Node.Call] does so without a goroutine
// that waits. [ErrorCode] of their errors is [Timeout] if nobody answered; a
// [CallError] says whether the call surely took no effect. [Node.HandleOnce] keeps the
// attempts of one call from taking effect twice:
//
//	policy := &maelstrom.Policy{CallID: true}
//	_, attempts, err := n.RPCWithRetry(ctx, "n2", body, policy)
//	...
//	var once maelstrom.Once
//	n.HandleOnce("add", &once, add)
//
// [Node.Eddy] leads to what package eddy has for nodes: the loop of compare-and-set,
// timers for gossip, batches, calls of many.
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
	"sync/atomic"

	"github.com/eddyrpc/eddy"
)

// A HandlerFunc serves a message. An error is the reply to a request: an
// *RPCError, also a wrapped one, with its code, any other with code 13 crash.
type HandlerFunc func(msg Message) error

// A Node is one node of the network. Its fields are set before Run. Its methods may
// be called from any goroutine, before Run and after it too.
type Node struct {
	// Stdin is what messages are read from.
	Stdin io.Reader
	// Stdout is what messages are written to.
	Stdout io.Writer
	// Strict ends Run at a line that is no message and at a message of a type that
	// has no handler, as the official library does. Otherwise the first is logged
	// and, like the second, answered with an error. NewNode sets it.
	Strict bool

	session  atomic.Pointer[session]
	mu       sync.Mutex // guards the handlers, and the making of sessions
	handlers map[string]*handler
	answers  answers
}

// A handler is the user's, and how it is registered.
type handler struct {
	fn    HandlerFunc
	dedup *Dedup // nil unless HandleOnce registered it
}

// NewNode is a node on standard input and output.
func NewNode() *Node { return &Node{Stdin: os.Stdin, Stdout: os.Stdout, Strict: true} }

// Init gives the node its name and those of all nodes. The init message does so;
// tests may.
func (n *Node) Init(id string, nodeIDs []string) { n.current().official.Adopt(id, nodeIDs) }

// ID is the node's name, "" before init.
func (n *Node) ID() string { return n.current().node.ID() }

// NodeIDs are the names of all nodes, this one's too, nil before init.
func (n *Node) NodeIDs() []string { return n.current().node.IDs() }

// Eddy is the node of package eddy that this one is made of: for its clients of
// services, its gossip and its counters, as in
//
//	kv := eddy.LinKV[int](n.Eddy())
//	n.Eddy().Every(time.Second, gossip)
//
// Loops and batches begin when init has been answered. Each Run has another node: ask
// before it for its own. Handlers and Run are this package's, and there is no OnInit.
func (n *Node) Eddy() *eddy.Node { return &n.current().node }

// Handle registers the handler of a type of messages; one for init runs before
// init_ok is sent. A second one for the same type panics.
//
// Handlers start in the order their messages came, each when the one before it has
// returned or has run for some milliseconds. So they may hold a mutex across a call,
// sleep, and wait for each other; they may run at the same time, and must guard
// what they share.
func (n *Node) Handle(typ string, fn HandlerFunc) { n.handle(typ, &handler{fn: fn}) }

func (n *Node) handle(typ string, h *handler) {
	s := n.current()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.handlers[typ] != nil {
		panic(fmt.Sprintf("duplicate message handler for %q message type", typ))
	}
	if n.handlers == nil {
		n.handlers = make(map[string]*handler)
	}
	n.handlers[typ] = h
	s.handle(typ, h)
}

// handles reports whether there is a handler for a type.
func (n *Node) handles(typ string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.handlers[typ] != nil
}

// Run serves until the input ends, and then until all handlers have returned, for
// 30 s at most; a call that still waits fails a second after the end. It may be
// called again, with another input.
func (n *Node) Run() error {
	s := n.current()
	s.open()
	if s.node.ID() != "" { // by Init, or from the Run before
		s.official.BeginLoops()
	}
	err := s.node.Serve(context.Background(), s)
	n.renew(s)
	if s.failed != nil {
		return s.failed
	}
	return err
}

// serve is a handler of the inner node for one of the user's.
func (s *session) serve(fn HandlerFunc) eddy.Handler {
	return func(_ context.Context, req *eddy.Request) (any, error) {
		msg := Message{Src: req.Src, Dest: s.official.CalledBy(req), Body: json.RawMessage(req.Body)}
		s.run(fn, msg, req)
		return nil, nil
	}
}

// run runs a handler and replies with its error.
func (s *session) run(fn HandlerFunc, msg Message, req *eddy.Request) {
	err := s.guard(fn, msg)
	if err == nil {
		return
	}
	log.Printf("handler of %s: %s", req.Type, err)
	answer, err := json.Marshal(answerTo(err))
	if err == nil {
		err = req.Reply(eddy.Raw(answer))
	}
	if err != nil {
		log.Printf("reply error: %s", err)
	}
}

// guard runs a handler, and makes its panic an error.
func (n *Node) guard(fn HandlerFunc, msg Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Printf("panic: %v\n%s", p, debug.Stack())
			err = NewRPCError(Crash, fmt.Sprintf("the handler panicked: %v", p))
		}
	}()
	return fn(msg)
}

// adopt takes the node's name and those of all nodes from an init message.
func (n *Node) adopt(msg Message) error {
	var body InitMessageBody
	if err := json.Unmarshal(msg.Body, &body); err != nil {
		return fmt.Errorf("unmarshal init message body: %w", err)
	}
	n.Init(body.NodeID, body.NodeIDs)
	return nil
}

// initialise runs the user's handler of init, replies, and begins the loops.
func (s *session) initialise(msg Message) error {
	s.mu.Lock()
	h := s.handlers["init"]
	s.mu.Unlock()
	if h != nil {
		if err := h.fn(msg); err != nil {
			return err
		}
	}
	if err := s.Reply(msg, MessageBody{Type: "init_ok"}); err != nil {
		return err
	}
	s.official.BeginLoops()
	return nil
}

// Reply answers a request, from its handler or from elsewhere and later. To answer
// a message without a msg_id does nothing, since nobody waits for it; but if the
// program has a handler for messages of the answer's type, that is who waits, and
// the answer is sent as a one-way message.
func (n *Node) Reply(req Message, body any) error {
	fields, err := fieldsOf(body)
	if err != nil {
		return err
	}
	id, err := idOf(req)
	switch {
	case err != nil:
		return fmt.Errorf("reply to %s: %w", req.Src, err)
	case id != nil:
		fields["in_reply_to"] = id
	case n.handles(typeOf(fields)):
	default:
		return nil
	}
	if r := n.answers.of(req.Src, id); r != nil {
		return r.Reply(fields)
	}
	return n.Send(req.Src, fields)
}

// idOf is a message's msg_id, nil if it has none.
func idOf(req Message) (json.RawMessage, error) {
	id := eddy.Raw(req.Body).Get("msg_id")
	if id == nil || bytes.Equal(id, []byte("null")) {
		return nil, json.Unmarshal(req.Body, new(MessageBody))
	}
	if _, ok := id.Int(); !ok {
		return nil, fmt.Errorf("msg_id %s is no integer", id)
	}
	return json.RawMessage(id), nil
}

// Send sends a body as it is, without waiting for anything.
func (n *Node) Send(dest string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return n.opened().official.Send(dest, raw)
}

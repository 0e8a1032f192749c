// Package maelstrom has the API of Maelstrom's official Go library
// (github.com/jepsen-io/maelstrom/demo/go) on top of package eddy. A program moves by
// changing the import path and nothing else:
//
//	import maelstrom "github.com/eddyrpc/eddy/maelstrom"
//
// The tests of such a program move with it: a node may send before Run and after it, run
// again on another input, and write to a pipe that nobody reads yet.
//
// # What is better
//
// Integers stay exact, and lines may be long. The error of a handler keeps its code when
// it is wrapped or when the code is 0. If a handler panics, the node replies with [Crash].
// A one-way message gets no reply. A call that is cancelled or gets no reply leaves
// nothing behind. Run ends when the input does. docs/from-maelstrom.md has the list, with
// a test for each item that the official library fails.
//
// # What is the same
//
// The bytes on the wire are those of the official library: replies have no msg_id, calls
// are numbered from 1, the members of a body are sorted by name, and any reply with a code
// is an error. Each message is handled on a goroutine of its own, and no order is
// promised. A line that is no message and a message without a handler end Run, unless
// [Node].Strict is false.
//
// # What is new
//
// [Node.RPCWithRetry] sends a request again when no reply comes in time, as a [Policy]
// says, and returns how many attempts it took. [Node.Call] does so with a callback. Of
// their errors, [ErrorCode] is [Timeout] if there was no reply, and a [CallError] says
// whether the call surely had no effect. [Node.HandleOnce] lets the attempts of one call
// have one effect:
//
//	policy := &maelstrom.Policy{CallID: true}
//	_, attempts, err := n.RPCWithRetry(ctx, "n2", body, policy)
//	...
//	var dedup maelstrom.Dedup
//	n.HandleOnce("add", &dedup, add)
//
// [Node.Eddy] returns the node of package eddy, for its clients of services and its
// functions for gossip.
package maelstrom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/watch"
)

// A HandlerFunc handles a message. If it returns an error, that is the reply to a request:
// an *RPCError, also a wrapped one, with its code, any other error with code 13 (crash).
type HandlerFunc func(msg Message) error

// A Node is one node of the network. Set its fields before Run. Its methods may be called
// from any goroutine, also before Run and after it.
type Node struct {
	// Stdin is what messages are read from.
	Stdin io.Reader
	// Stdout is what messages are written to.
	Stdout io.Writer
	// Strict makes a line that is no message, and a message whose type has no handler,
	// end Run, as with the official library. If it is false, both get an error reply, and
	// such a line is logged. NewNode sets it.
	Strict bool
	// Hooks are told what becomes of calls and requests, see package watch. nil means that
	// nobody is.
	Hooks *watch.Hooks

	session  atomic.Pointer[session]
	mu       sync.Mutex // guards the handlers and the making of sessions
	handlers map[string]*handler
	kept     keptRequests
	watched  keptRequests // those that hooks are told of
}

// A handler is a handler of the user and how it was registered.
type handler struct {
	fn    HandlerFunc
	dedup *Dedup // nil unless HandleOnce registered it
}

// NewNode returns a node on standard input and output.
func NewNode() *Node { return &Node{Stdin: os.Stdin, Stdout: os.Stdout, Strict: true} }

// Init sets the name of the node and the names of all nodes. The init message does so too.
// Tests may call Init instead of sending that message.
func (n *Node) Init(id string, nodeIDs []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.currentLocked().official.Adopt(id, nodeIDs)
}

// ID returns the name of the node, "" before init.
func (n *Node) ID() string { return n.current().node.ID() }

// NodeIDs returns the names of all nodes, this one included, nil before init.
func (n *Node) NodeIDs() []string { return n.current().node.IDs() }

// Eddy returns the node of package eddy that this node is made of: for its clients of
// services, its functions for gossip and its counters, as in
//
//	kv := eddy.LinKV[int](n.Eddy())
//	n.Eddy().Every(time.Second, gossip)
//
// Loops and batches begin when the node has replied to init. Each Run has a node of its
// own, which Eddy returns before that Run and during it. Register handlers with this
// package, also the one for init, and use its Run.
func (n *Node) Eddy() *eddy.Node { return &n.current().node }

// Handle registers the handler of a type of messages. Handle panics if the type has one
// already. The handler of init runs before the node sends init_ok.
//
// Each message is handled on a goroutine of its own. So handlers may block on anything, for
// example hold a mutex across a call. They run at the same time and must guard what they
// share. No order is promised.
func (n *Node) Handle(typ string, fn HandlerFunc) { n.handle(typ, &handler{fn: fn}) }

func (n *Node) handle(typ string, h *handler) {
	if h.fn == nil {
		panic(fmt.Sprintf("maelstrom: a nil handler for %q", typ))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.handlers[typ] != nil {
		panic(fmt.Sprintf("duplicate message handler for %q message type", typ))
	}
	if n.handlers == nil {
		n.handlers = make(map[string]*handler)
	}
	n.handlers[typ] = h
	n.currentLocked().handle(typ, h)
}

// handlerOf returns the handler of a type, nil if there is none.
func (n *Node) handlerOf(typ string) *handler {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.handlers[typ]
}

// Run serves until the input ends, and then until all handlers have returned, but at most
// 30 s. One second after the end of the input it ends the calls that still wait for a
// reply. Run may be called again, with another input.
func (n *Node) Run() error {
	if n.Stdin == nil {
		return errors.New("maelstrom: Node.Stdin is nil")
	}
	if n.Stdout == nil {
		return errors.New("maelstrom: Node.Stdout is nil")
	}
	s := n.current()
	s.open()
	if s.node.ID() != "" { // set by Init or by the Run before
		s.official.BeginLoops()
	}
	err := s.node.Serve(context.Background(), s)
	n.renew(s)
	if in, ok := errors.AsType[inputError](err); ok {
		return in.error
	}
	return err
}

// Reply replies to a request. It may be called after the handler has returned. A message
// without a msg_id gets no reply, since nobody waits for one. But if the program has a
// handler for messages of the body's type, that handler waits on the other node, and Reply
// sends the body as a one-way message.
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
	case n.handlerOf(typeOf(fields)) == nil:
		return nil
	}
	if r := n.kept.find(req.Src, id); r != nil {
		return r.Reply(fields)
	}
	if r := n.watched.find(req.Src, id); r != nil {
		n.tellReply(r, fields)
	}
	return n.Send(req.Src, fields)
}

// tellReply tells the hooks of a request that it has its reply.
func (n *Node) tellReply(req *eddy.Request, fields map[string]json.RawMessage) {
	if body, err := json.Marshal(fields); err == nil {
		n.current().official.Replied(req, body[1:len(body)-1])
	}
}

// idOf returns the msg_id of a message, nil if it has none.
func idOf(req Message) (json.RawMessage, error) {
	id := member(req.Body, "msg_id")
	if id == nil || bytes.Equal(id, []byte("null")) {
		return nil, json.Unmarshal(req.Body, new(MessageBody))
	}
	if _, ok := id.Int(); !ok {
		return nil, fmt.Errorf("msg_id must be an integer and is %s", id)
	}
	return json.RawMessage(id), nil
}

// Send sends a body as it is and does not wait for a reply.
func (n *Node) Send(dest string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return n.opened().official.Send(dest, raw)
}

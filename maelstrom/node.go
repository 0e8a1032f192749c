// Package maelstrom is the API of Maelstrom's official Go library
// (github.com/jepsen-io/maelstrom/demo/go), on Eddy's node. A program moves by
// changing the import path and nothing else; docs/from-maelstrom.md tells what it
// gains. [Node.RPCWithRetry] is there too.
package maelstrom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
)

const (
	// patience is how long a call without a deadline waits for its reply; the
	// official library waits, and keeps the call's memory, for ever.
	patience = time.Minute
	// graceAtEOF is how long calls may still wait when the input has ended, since
	// no reply can come any more.
	graceAtEOF = time.Second
)

// A HandlerFunc serves a message. An error is the reply to a request: an
// *RPCError, also a wrapped one, with its code, any other with code 13 crash.
type HandlerFunc func(msg Message) error

// A Node is one node of the network. Its fields are set before Run.
type Node struct {
	// Stdin is what messages are read from.
	Stdin io.Reader
	// Stdout is what messages are written to.
	Stdout io.Writer
	// Strict ends Run at a line that is no message and at a message of a type that
	// has no handler, as the official library does. Otherwise the first is logged
	// and, like the second, answered with an error. NewNode sets it.
	Strict bool

	node     eddy.Node
	mu       sync.Mutex // guards handlers
	handlers map[string]HandlerFunc
	callback sync.WaitGroup
	calls    context.Context // ends when no reply can come any more
	endCalls context.CancelFunc
	failed   error // why Run ended early; set by the reader, read when it is over
}

// NewNode is a node on standard input and output.
func NewNode() *Node {
	n := &Node{Stdin: os.Stdin, Stdout: os.Stdout, Strict: true, handlers: make(map[string]HandlerFunc)}
	n.calls, n.endCalls = context.WithCancel(context.Background())
	n.node.Speak(&eddy.Official{Malformed: n.malformed, Unknown: n.unknown})
	n.node.Handle("init", n.serve(n.init))
	return n
}

// Init gives the node its name and those of all nodes. The init message does so;
// tests may.
func (n *Node) Init(id string, nodeIDs []string) { n.node.Adopt(id, nodeIDs) }

// ID is the node's name, "" before init.
func (n *Node) ID() string { return n.node.ID() }

// NodeIDs are the names of all nodes, this one's too, nil before init.
func (n *Node) NodeIDs() []string { return n.node.IDs() }

// Handle registers the handler of a type of messages; one for init runs before
// init_ok is sent. A second one for the same type panics.
func (n *Node) Handle(typ string, fn HandlerFunc) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.handlers[typ]; ok {
		panic(fmt.Sprintf("duplicate message handler for %q message type", typ))
	}
	n.handlers[typ] = fn
	if typ != "init" {
		n.node.Handle(typ, n.serve(fn))
	}
}

// Run serves until the input ends, and then until all handlers have returned; a
// call that still waits then fails after a second.
func (n *Node) Run() error {
	err := n.node.Serve(context.Background(), &stdio{n})
	n.endCalls()
	n.callback.Wait()
	if n.failed != nil {
		return n.failed
	}
	return err
}

// stdio is the node's transport, which sees the end of the input.
type stdio struct{ *Node }

func (s *stdio) Write(p []byte) (int, error) { return s.Stdout.Write(p) }

func (s *stdio) Read(p []byte) (int, error) {
	read, err := s.Stdin.Read(p)
	if err != nil {
		time.AfterFunc(graceAtEOF, s.endCalls)
	}
	return read, err
}

func (n *Node) malformed(line []byte) error {
	if !n.Strict {
		return nil
	}
	var msg Message
	if err := json.Unmarshal(line, &msg); err != nil {
		n.failed = fmt.Errorf("unmarshal message: %w", err)
	} else if err := json.Unmarshal(msg.Body, new(MessageBody)); err != nil {
		n.failed = fmt.Errorf("unmarshal message body: %w", err)
	}
	return n.failed
}

func (n *Node) unknown(line []byte) error {
	if n.Strict {
		//lint:ignore ST1005 the official library says it so
		n.failed = fmt.Errorf("No handler for %s", bytes.TrimSpace(line))
	}
	return n.failed
}

// serve is a handler of the node for one of the user's.
func (n *Node) serve(fn HandlerFunc) eddy.Handler {
	return func(_ context.Context, req *eddy.Request) (any, error) {
		msg := Message{Src: req.Src, Dest: n.ID(), Body: json.RawMessage(req.Body)}
		err := n.guard(fn, msg)
		if err == nil {
			return nil, nil
		}
		var rpc *RPCError
		if !errors.As(err, &rpc) {
			log.Printf("Exception handling %s: %s", msg.Body, err)
			rpc = NewRPCError(Crash, err.Error())
		}
		if err := n.Reply(msg, rpc); err != nil {
			log.Printf("reply error: %s", err)
		}
		return nil, nil
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

func (n *Node) init(msg Message) error {
	var body InitMessageBody
	if err := json.Unmarshal(msg.Body, &body); err != nil {
		return fmt.Errorf("unmarshal init message body: %w", err)
	}
	n.Init(body.NodeID, body.NodeIDs)
	n.mu.Lock()
	fn := n.handlers["init"]
	n.mu.Unlock()
	if fn != nil {
		if err := fn(msg); err != nil {
			return err
		}
	}
	return n.Reply(msg, MessageBody{Type: "init_ok"})
}

// Reply answers a request, from its handler or from elsewhere and later. To answer
// a message without a msg_id does nothing.
func (n *Node) Reply(req Message, body any) error {
	id := eddy.Raw(req.Body).Get("msg_id")
	if id == nil {
		return nil
	}
	if _, ok := id.Int(); !ok {
		return fmt.Errorf("reply to %s: msg_id is no integer", req.Src)
	}
	fields, err := fieldsOf(body)
	if err != nil {
		return err
	}
	fields["in_reply_to"] = json.RawMessage(id)
	return n.Send(req.Src, fields)
}

// Send sends a body as it is, without waiting for anything.
func (n *Node) Send(dest string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return n.node.SendRaw(dest, raw)
}

// RPC calls dest; handler gets the reply, on a goroutine of its own. A reply that
// does not come within a minute is not waited for any more.
func (n *Node) RPC(dest string, body any, handler HandlerFunc) error {
	raw, err := request(body)
	if err != nil {
		return err
	}
	return n.node.Call(dest, raw, once(), func(_ *eddy.Request, reply eddy.Message, _ int, err error) {
		if reply.Body == nil {
			log.Printf("no reply from %s: %s", dest, err)
			return
		}
		msg := received(reply) // reply's body is gone when we return
		n.callback.Go(func() {
			if err := n.guard(handler, msg); err != nil {
				log.Printf("callback error: %s", err)
			}
		})
	})
}

// SyncRPC calls dest and waits for the reply, not beyond the end of ctx, and for a
// minute if that has none. A reply that tells of an error is returned with it.
func (n *Node) SyncRPC(ctx context.Context, dest string, body any) (Message, error) {
	msg, _, err := n.RPCWithRetry(ctx, dest, body, once())
	return msg, err
}

// RPCWithRetry is SyncRPC by a policy: on silence it sends the body again, with a
// fresh msg_id. It also returns how many attempts it took. nil is the default: 3
// attempts of 500 ms.
func (n *Node) RPCWithRetry(ctx context.Context, dest string, body any, policy *eddy.Policy) (Message, int, error) {
	raw, err := request(body)
	if err != nil {
		return Message{}, 0, err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.calls, cancel)()
	reply, attempts, err := n.node.RPCWithRetry(inner, dest, raw, policy)
	switch {
	case reply.Body != nil:
		msg := received(reply)
		if e := msg.RPCError(); e != nil {
			return msg, attempts, e
		}
		return msg, attempts, nil
	case ctx.Err() != nil:
		return Message{}, attempts, ctx.Err()
	}
	return Message{}, attempts, err
}

func once() *eddy.Policy { return &eddy.Policy{Attempts: 1, Timeout: patience} }

// received is a message that outlives the line it came in.
func received(m eddy.Message) Message {
	return Message{Src: m.Src, Dest: m.Dest, Body: json.RawMessage(strings.Clone(string(m.Body)))}
}

// request is a request's body with sorted names.
func request(body any) (eddy.Raw, error) {
	fields, err := fieldsOf(body)
	if err != nil {
		return nil, err
	}
	delete(fields, "msg_id")
	return json.Marshal(fields)
}

// fieldsOf are a body's fields, each as its own text, so that no number changes.
func fieldsOf(body any) (map[string]json.RawMessage, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]json.RawMessage)
	err = json.Unmarshal(raw, &fields)
	return fields, err
}

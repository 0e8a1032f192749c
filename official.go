package eddy

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/eddyrpc/eddy/internal/wire"
)

// An Official is a node that speaks the dialect of Maelstrom's official Go library:
// what package maelstrom is made of, and of no use to others. A request that its
// handler leaves unanswered stays so, init is a message like any other, and a message
// may lack src and dest.
type Official struct {
	// Malformed is told of a line that is no message, Unknown of a message that
	// has no handler. An error ends the node at once; nil leaves the line to it.
	Malformed, Unknown func(line []byte) error
	// LastID is the last msg_id that was given to a call before.
	LastID int64
	// Apart has another goroutine write than the one that reads, for an output whose
	// reader may first want to write all its requests: a pipe in a test's memory.
	Apart bool

	node   *Node
	early  bool // Open has opened the output
	silent bool // no reply can come any more
}

// Speak makes the node speak the official library's dialect. It is called before
// anything else.
func (o *Official) Speak(n *Node) { o.node, n.official = n, o }

// Open makes the node send before it serves this transport.
func (o *Official) Open(t Transport) {
	n := o.node
	n.prepare(t)
	n.mu.Lock()
	defer n.mu.Unlock()
	o.early = true
	n.out.busy = 0
}

// open is prepare for a node that may be open already.
func (n *Node) open(t Transport) {
	if n.official == nil || !n.official.early {
		n.prepare(t)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.official.early = false // it serves once
	n.out.busy++
}

// BeginLoops begins the loops of Every and its like, on a node that is open and has a
// name.
func (o *Official) BeginLoops() { o.node.beginLoops() }

// endsAtOnce reports that an official node does not drain: the official library
// leaves its handlers alone when it can't read on.
func (n *Node) endsAtOnce(reading error) bool {
	return n.official != nil && reading != nil && reading != io.EOF
}

// Last is the last msg_id that was given to a call.
func (o *Official) Last() int64 {
	n := o.node
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ids - 1
}

var errSilent = errors.New("no reply can come any more")

// EndCalls ends the node's calls, and lets none begin.
func (o *Official) EndCalls() {
	n := o.node
	n.mu.Lock()
	o.silent = true
	n.mu.Unlock()
	for n.cancelAll(errSilent) {
	}
}

// Busy keeps the node from ending, when it drains, until done is called.
func (o *Official) Busy() (done func()) {
	n := o.node
	n.active.Add(1)
	return func() {
		n.active.Add(-1)
		n.checkRest()
	}
}

// Dest is whom a message was sent to: the node, whatever name it was called by.
func (o *Official) Dest(r *Request) string {
	if called := r.terms().called; called != nil {
		return *called
	}
	return o.node.ID()
}

// calledBy notes the name that an official node was called by, if it is another
// than its own.
func (r *Request) calledBy(name []byte) {
	if n := r.handler.node; n.official != nil && string(name) != n.ID() {
		called := n.reader.names.of(name)
		r.changeTerms(func(t *terms) { t.called = &called })
	}
}

// isError reports whether a reply tells of an error. In the official dialect any
// that has a code does.
func (n *Node) isError(reply Message) bool {
	if reply.Type == "error" || n.official == nil {
		return reply.Type == "error"
	}
	code, ok := reply.Body.Get("code").Int()
	return ok && code != 0
}

// senderOf is who has sent a reply. In the official dialect it may not say so, and
// is then taken to come from who was asked. mu is held.
func (n *Node) senderOf(reply Message) string {
	if n.official != nil && reply.Src == "" {
		return n.calls.Asked(reply.InReplyTo)
	}
	return reply.Src
}

// Adopt gives the node its name and those of all nodes, as an init does.
func (n *Node) Adopt(id string, ids []string) {
	n.self.Store(&identity{id, slices.Clone(ids)})
	n.stage.Store(ready)
}

// Call is RPCWithRetry without a goroutine that waits: done is called once, when
// the call has ended, with no request. It must not block and not panic. An error
// means that the call could not begin; done is not called then.
func (n *Node) Call(dest string, body Raw, policy *Policy, done Callback) error {
	var d draft
	if err := d.scan(dest, body); err != nil {
		return unsent(dest, err)
	}
	_, err := n.begin(noneOwn, &d, policy, owner{nil, done}, nil)
	return err
}

// SendRaw writes a body as it stands, whatever ids it has, before the node serves
// and after its end too.
func (o *Official) SendRaw(dest string, body Raw) error {
	n := o.node
	if err := wire.Valid(body); err != nil {
		return fmt.Errorf("send to %s: %w", dest, err)
	}
	n.lockToWrite()
	defer n.mu.Unlock()
	if err := n.mayWrite(dest); err != nil {
		return fmt.Errorf("send to %s: %w", dest, err)
	}
	head := n.dialect().AppendHead(n.out.buf, n.ID(), dest)
	head = wire.Dialect{}.AppendValue(head[:len(head)-1], body) // without the brace
	n.out.buf = append(head, "}\n"...)
	n.stats.Out++
	n.flushSoon()
	return n.out.err
}

// handlerOf is the handler of a type of messages, nil if there is none. An official
// node's may be registered while it runs.
func (n *Node) handlerOf(typ []byte) *handler {
	if n.official == nil {
		return n.handlers[string(typ)]
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.handlers[string(typ)]
}

// replyID is the id that a reply carries. mu is held.
func (n *Node) replyID() int64 {
	if n.official != nil {
		return NoID
	}
	return n.nextID()
}

// malformed and unknown report that reading is over. The error is the node's.
func (n *Node) malformed(line []byte) bool { return n.endReading(n.official.Malformed(line)) }

func (n *Node) unknown(m *wire.Message) bool {
	return n.endReading(n.official.Unknown(n.reader.line.text))
}

func (n *Node) endReading(err error) bool {
	if err == nil {
		return false
	}
	n.endBatch()
	n.reader.ended <- err
	return true
}

// Answered reports whether a request has its reply.
func (o *Official) Answered(r *Request) bool { return r.ID == NoID || r.state.Load()&isAnswered != 0 }

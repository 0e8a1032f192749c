package eddy

import (
	"context"
	"math"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/metadata"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
)

// A Handler serves the messages of one type. What it returns is the reply: an object
// (see [Request.Reply]), or an error (see [Request.Fail]). Instead it may reply by a
// method of the request and return nil, or return [Later]. If it does not reply, or
// panics, the node replies with Crash.
//
// ctx ends when the node does. If the policy of the caller sets Propagate, the request has
// a deadline, and ctx also ends at the deadline and when the request is over. Calls that
// are made with ctx belong to the request.
type Handler func(ctx context.Context, req *Request) (reply any, err error)

type handler struct {
	node   *Node
	name   string
	run    Handler
	inline bool
}

// Handle registers the handler of a type of messages. Each message is served on a goroutine
// of its own. So a handler may block on anything, handlers run at the same time and must
// guard what they share, and no order is promised, as with the handlers of net/http. A
// handler that must see messages in their order is an inline one, see [Node.HandleInline].
//
// Handle panics if the type has a handler already, or after the node has begun to run.
func (n *Node) Handle(typ string, h Handler) { n.handle(&handler{n, typ, h, false}) }

// HandleInline registers a handler that runs in the goroutine that reads the node's input.
// Inline handlers run one at a time, in the order in which their messages came, and their
// replies leave in this order with consecutive ids. A request costs no goroutine and no copy of
// its body.
//
// An inline handler must not block: the node reads nothing while it runs. It makes calls with a
// callback ([Request.Call]); a call that would wait for its reply fails if it is made with ctx,
// and otherwise blocks the whole node until it times out. Body is valid until the handler returns.
func (n *Node) HandleInline(typ string, h Handler) { n.handle(&handler{n, typ, h, true}) }

func (n *Node) handle(h *handler) {
	if h.run == nil {
		panic("eddy: a nil handler for type " + h.name)
	}
	if h.name == "init" && n.official == nil {
		panic("eddy: the node handles init itself, see OnInit")
	}
	n.out.Lock()
	defer n.out.Unlock()
	if n.opened && n.official == nil {
		panic("eddy: a handler for type " + h.name + " registered while the node runs")
	}
	if n.handlers[h.name] != nil {
		panic("eddy: a second handler for type " + h.name)
	}
	if n.handlers == nil {
		n.handlers = make(map[string]*handler)
	}
	n.handlers[h.name] = h
}

// dispatch gives a message to its handler. An error ends the reading; there is none
// except in the official library's mode.
func (n *Node) dispatch(m *wire.Message) error {
	h := n.handlerOf(m.Type)
	if h != nil {
		n.serve(h, m)
		return nil
	}
	if n.official != nil {
		if end := n.official.Unknown(n.reader.line); end != nil {
			return end
		}
	}
	n.refuse(m, Errorf(NotSupported, "no handler for type %s", bounded.Name(string(m.Type))))
	return nil
}

func (n *Node) handlerOf(typ []byte) *handler {
	if n.official == nil { // no handler is added any more
		return n.handlers[string(typ)]
	}
	n.out.Lock()
	defer n.out.Unlock()
	return n.handlers[string(typ)]
}

// serve lets a handler serve a message.
func (n *Node) serve(h *handler, m *wire.Message) {
	bytes := int64(len(m.Src) + len(m.Dest))
	if !h.inline {
		bytes += int64(len(m.Raw))
	}
	size := uint32(min(bytes, math.MaxUint32))
	if n.full.Load() {
		n.stage.CompareAndSwap(initialising, created) // an init may come again
		n.out.Lock()
		e := overload("requests", n.requests, n.bytes)
		n.out.Unlock()
		n.refuse(m, e)
		return
	}
	r := n.newRequest(h, m, size)
	if n.inline.Load() != h.inline { // a Store costs more
		n.inline.Store(h.inline)
	}
	if !h.inline {
		n.out.Lock()
		r.count()
		n.out.Unlock()
	}
	if m.Body.HasMetadata && !r.readMetadata() {
		n.expired.Add(1)
		r.state |= isAnswered // nobody waits for the reply
		r.release(false)
		return
	}
	if h.inline {
		r.serve()
		return
	}
	n.workers.Do(r)
}

// newRequest makes the request of a message, which its handler holds. Requests of inline
// handlers are allocated together, as many as fill an allocation (bench, echo-heap).
func (n *Node) newRequest(h *handler, m *wire.Message, size uint32) *Request {
	var r *Request
	if h.inline && size <= 1024 { // one request that is open keeps the names of its neighbours
		if len(n.reader.fresh) == 0 {
			n.reader.fresh = make([]Request, 6)
		}
		r = &n.reader.fresh[0]
		n.reader.fresh = n.reader.fresh[1:]
		r.Body = m.Raw
	} else {
		r = &Request{Body: append(Raw(nil), m.Raw...)}
	}
	r.size, r.state = size, 1
	r.Src, r.ID = n.reader.names.Of(m.Src), m.Body.ID
	r.handler, r.arrived = h, n.reader.readAt
	if n.official != nil && string(m.Dest) != n.ID() {
		calledBy := string(m.Dest)
		r.addDetails().calledBy = &calledBy
	}
	return r
}

// readMetadata reads what the body says of its call. It returns false if the deadline has
// passed. The deadline counts from when the message arrived: how long it was on its way
// cannot be known.
func (r *Request) readMetadata() (alive bool) {
	remaining, retry := metadata.Read(r.Body)
	if retry {
		r.addDetails().retry = true
	}
	if remaining == schedule.Never {
		return true
	}
	n, m := r.handler.node, r.addDetails()
	m.deadline = r.arrived + remaining
	if m.deadline <= time.Since(n.start) {
		return false
	}
	m.ctx, m.cancel = context.WithDeadline((*requestContext)(r), n.start.Add(m.deadline))
	return true
}

// serve runs the handler and replies with what it returns.
func (r *Request) serve() {
	returned, later := false, false
	defer func() {
		if !returned {
			r.abandoned(recover())
		}
		if r.handler.inline {
			r.Body = nil // it would keep the memory of the line
		}
		r.release(!later)
	}()
	if r.handler.node.Hooks != nil {
		r.watch()
	}
	reply, err := r.handler.run(r.context(), r)
	later = r.finish(reply, err)
	returned = true
}

// finish replies with what the handler has returned, unless a callback will reply later.
func (r *Request) finish(reply any, err error) (later bool) {
	switch {
	case err != nil:
		if r.OneWay() || r.Fail(err) != nil {
			r.logUnsent(err)
		}
	case reply == Later:
		return true
	case reply != nil && !r.OneWay():
		if err := r.Reply(reply); err != nil {
			r.logUnsent(err)
			r.Fail(Errorf(Crash, "the handler of %s returned no valid reply", r.Type()))
		}
	}
	return false
}

// abandoned replies to a request whose handler or callback has panicked, or, if p is
// nil, has ended its goroutine by runtime.Goexit as testing.T.Fatal does.
func (r *Request) abandoned(p any) {
	how := "panicked"
	if p == nil {
		how = "ended its goroutine"
		r.handler.node.log.Error("goroutine ended", "in", r.Type())
	} else {
		r.handler.node.log.Panic(r.Type(), p)
	}
	r.Fail(Errorf(Crash, "the handler of %s %s", r.Type(), how))
}

// logUnsent logs an error that is sent to no peer.
func (r *Request) logUnsent(err error) {
	if n := r.handler.node; n.phase.Load() != ended { // after that no error is sent
		n.log.Unsent(r.Type(), r.Src, err)
	}
}

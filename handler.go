package eddy

import (
	"context"
	"time"

	"github.com/eddyrpc/eddy/internal/wire"
)

// A Handler serves the messages of one type. What it returns is the reply: an
// object (see Request.Reply), or an error (see Request.Fail). It may instead
// have answered by a method of the request and return nil, or return Later. A
// request that it leaves unanswered, or panics over, is answered with 13 crash.
//
// ctx ends when the node does; of a request that brought a deadline along, since its
// caller's policy says propagate, it ends then or once the request is over. Calls
// that are made with it are the request's.
//
// A handler that holds its thread (runtime.LockOSThread) lets it go before it returns,
// and before it waits for a call, unless another goroutine waits for it: handlers change
// places on a thread, and the runtime ends the process over one that is held.
type Handler func(ctx context.Context, req *Request) (reply any, err error)

type handler struct {
	node   *Node
	name   string
	run    Handler
	inline bool

	trust
}

// Handle registers the handler of a type of messages. A second one for the same
// type is a mistake of the program's, and panics.
//
// A handler that waits for calls may run as a coroutine of whoever reads. So it must
// not wait for one while it holds its thread (runtime.LockOSThread), which would end
// the process; with a ctx that it has made by context.WithCancel it may.
func (n *Node) Handle(typ string, h Handler) { n.handle(&handler{node: n, name: typ, run: h}) }

// HandleInline is Handle for a handler that promises never to block: it is not
// watched and never handed to another goroutine, so requests of its type are
// answered strictly in order. Its request's Body, which is not copied, and its ctx are
// invalid once it has returned, and so is the request itself, or if it has made calls
// once the last of their callbacks has returned: the node uses it again. While the
// handler blocks, the node stands still; a call that would wait fails.
func (n *Node) HandleInline(typ string, h Handler) {
	n.handle(&handler{node: n, name: typ, run: h, inline: true})
}

func (n *Node) handle(h *handler) {
	if h.name == "init" && n.official == nil {
		panic("eddy: init is the node's own; see OnInit")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.handlers[h.name] != nil {
		panic("eddy: a second handler for " + h.name)
	}
	if n.handlers == nil {
		n.handlers = make(map[string]*handler)
	}
	n.handlers[h.name] = h
}

// dispatch gives a message to its handler. It returns the turn to read on with,
// as receive does.
func (n *Node) dispatch(m *wire.Message, turn uint32) uint32 {
	h := n.reader.latest // that one comes again is the rule
	if h == nil || h.name != string(m.Body.Type) {
		h = n.handlerOf(m.Body.Type)
		n.reader.latest = h
	}
	if h == nil {
		if n.official != nil && n.unknown(m) {
			return 0
		}
		n.refuse(m, Errorf(NotSupported, "no handler for type %s", m.Body.Type))
		return turn
	}
	return n.serve(h, m, turn)
}

// serve runs a handler for a message that was read in this turn.
func (n *Node) serve(h *handler, m *wire.Message, turn uint32) uint32 {
	if h.inline {
		n.serveInline(h, m)
		return turn
	}
	n.awaitRoom()
	n.flushLate()
	r := &Request{
		Src: n.reader.names.latest(&n.reader.names.asker, m.Src), ID: m.Body.ID,
		Body:    append(Raw(nil), m.Body.Raw...),
		handler: h, turn: turn,
	}
	r.state.Store(1)
	if m.Body.HasTerms && !r.readTerms() {
		return turn
	}
	r.calledBy(m.Dest)
	n.active.Add(1)
	switch {
	case h.mayWait():
		co := n.coroutines.get(n)
		co.request.Store(r)
		return n.runIn(co, h, turn)
	case h.trusted():
		n.beginWatch(h, turn)
		r.serve(h)
	case h.distrusted():
		n.takeTurn(turn)
		r.serveTimed(h)
	default:
		n.beginWatch(h, turn)
		r.serveTimed(h)
	}
	return n.endTurn(turn)
}

// serveTimed tells the handler's trust how long it took. If it waited for a call, that
// stalled nobody.
func (r *Request) serveTimed(h *handler) {
	start := time.Now()
	r.serve(h)
	if r.state.Load()&hasWaited == 0 {
		h.ran(time.Since(start))
	} else {
		h.waited()
	}
}

// serveInline serves a message where it was read. Only a request that is kept for
// later costs memory, and only until its call has been answered.
func (n *Node) serveInline(h *handler, m *wire.Message) {
	r := n.reader.rooms.take()
	r.handler, r.Src, r.ID, r.Body = h, n.reader.names.latest(&n.reader.names.asker, m.Src), m.Body.ID, m.Body.Raw
	r.turn = inlineFresh
	r.state.Store(1)
	if m.Body.HasTerms && !r.readTerms() {
		return
	}
	r.serve(h)
}

// serve runs the handler, answers with what it returns, and lets the request go.
func (r *Request) serve(h *handler) {
	returned := false
	defer r.leave()
	defer r.recover(&returned)
	reply, err := h.run(r.context(), r)
	r.end(reply, err)
	returned = true
}

// finish is the rest of serve for a handler that has returned elsewhere.
func (r *Request) finish(reply any, err error) {
	returned := false
	defer r.leave()
	defer r.recover(&returned)
	r.end(reply, err)
	returned = true
}

// leave lets go of a request whose handler is done.
func (r *Request) leave() {
	n := r.handler.node
	if !r.inline() {
		n.watch.end(r.turn)
		r.release()
		return
	}
	n.reader.rooms.leave(r)
	if !r.onlyHandler() {
		holdBallast(n.active.Add(1))
		r.release()
		return
	}
	r.dropTerms()
}

// end answers with what the handler has returned.
func (r *Request) end(reply any, err error) {
	switch {
	case err != nil:
		if r.ID == NoID || r.Fail(err) != nil {
			r.handler.node.logUnheard(r, err)
		}
	case reply == nil:
	case reply == Later:
		if !r.onlyHandler() {
			return
		}
	case r.ID != NoID:
		if err := r.Reply(reply); err != nil {
			r.handler.node.logUnheard(r, err)
			r.Fail(Errorf(Crash, "the handler of %s gave no valid reply", r.Type()))
		}
	}
	r.forgotten()
}

package eddy

import (
	"context"
	"iter"
	"runtime"
	"sync/atomic"
	"time"
)

// A coroutine runs handlers of types that wait for calls, one after another. While
// its handler waits, control goes back to the reader that let it run, and comes
// again from the reader of the reply: without the scheduler, which takes longer
// than all else that is done to a call (bench, relay, eddy-blocking). What can be
// done on the reader's stack is done there, since each waiting handler has one of
// its own (bench, open, eddy-blocking).
//
// Control goes back from the handler's own goroutine alone. A goroutine that it has
// started may call with the same ctx; that one waits on its own, see Node.call.
type coroutine struct {
	self  atomic.Uintptr // its goroutine; 0 at the end, for another may have its number then
	next  func() (struct{}, bool)
	yield func(struct{}) bool

	request atomic.Pointer[Request] // that it serves
	dead    bool                    // it runs no more, or shall not
	order   order                   // the call to begin, if its ctx is not nil; else its body is what the handler has returned
	end     waiter                  // of the call that its handler waits for; its err is also what the handler has returned
	room    *call                   // for its calls, one after another; nil if the latest may be in use
	broken  func()                  // breaks the handler as beginning its call has broken, if not nil
	turn    atomic.Uint32           // of reading, that it ran in where messages are read, the latest
}

// coroutine is the one that the caller runs on and may wait on, nil if there is
// none. A call whose ctx may end before its node does is waited for otherwise.
func (n *Node) coroutine(ctx context.Context) *coroutine {
	if co := n.running.Load(); co != nil && co.self.Load() == goroutine() && n.ownContext(ctx) == noneOwn {
		return co
	}
	return nil
}

// call makes a call and waits for its end.
func (co *coroutine) call(o order) *waiter {
	co.order = o
	co.yield(struct{}{})
	if co.end.err != nil || co.end.attempts > 1 {
		co.room = nil // an error may keep it, or who logs a retry
	}
	if breaks := co.broken; breaks != nil {
		co.broken = nil
		breaks()
	}
	return &co.end
}

// begin begins the call that the handler waits for, on the reader's stack. Whoever
// ends it lets the coroutine run on, maybe before this returns. It is false if the
// call could not begin, as the handler is told next.
func (co *coroutine) begin() (begun bool) {
	o := co.order
	co.order = order{}
	returned := false
	defer func() {
		if !returned {
			co.breakAs(recover())
		}
	}()
	if co.room == nil {
		co.room = new(call)
	}
	_, _, err := co.request.Load().handler.node.beginFor(o, co.end.done, co.room)
	if err != nil {
		co.end.err = err
	}
	returned = true
	return err == nil
}

// breakAs breaks the handler, whose stack this is not, as its call's body has broken
// what encodes it: by a panic, or with nil by ending the goroutine.
func (co *coroutine) breakAs(p any) {
	if p == nil {
		co.broken = runtime.Goexit
		go co.run() // since this goroutine can't
		return
	}
	co.broken = func() { panic(p) }
}

// newCoroutine makes one that waits to be run.
func newCoroutine(n *Node) *coroutine {
	co := new(coroutine)
	co.end.done = func(_ *Request, reply Message, attempts int, err error) {
		co.end.set(reply, attempts, err)
		n.coroutines.wake(co)
	}
	// What runs here stays shallow, or the stack would grow (bench, open).
	co.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		co.self.Store(goroutine())
		co.yield = yield
		defer co.recover()
		for !co.dead {
			r := co.request.Load()
			co.order.body, co.end.err = r.handler.run(r.context(), r)
			yield(struct{}{})
		}
	})
	return co
}

// recover answers for a handler that has panicked or ended its goroutine, in which
// case the reader's ends too.
func (co *coroutine) recover() {
	co.self.Store(0)
	r := co.request.Load()
	if r == nil {
		return // it was told to end
	}
	co.dead = true
	r.abandoned(recover())
	r.leave()
}

// stop ends one that serves nothing.
func (co *coroutine) stop() {
	co.dead = true
	co.next()
}

// run lets the handler run until it waits for a call, or has ended.
func (co *coroutine) run() {
	for co.next(); co.order.ctx != nil; co.next() {
		if co.begin() {
			return
		}
	}
	if co.dead {
		return
	}
	reply, err := co.order.body, co.end.err
	co.order.body, co.end.err = nil, nil
	if co.room != nil {
		*co.room = call{} // it would keep the request
	}
	r := co.request.Swap(nil)
	r.handler.node.coroutines.free(co, r.handler.node.crew.most(r.handler.node))
	r.finish(reply, err)
}

// runIn lets a coroutine run in this turn of reading, and returns the turn to read
// on with, 0 if another goroutine does.
func (n *Node) runIn(co *coroutine, h *handler, turn uint32) uint32 {
	co.turn.Store(turn)
	n.running.Store(co)
	n.beginWatch(h, turn)
	if h.trusted() {
		co.run()
	} else {
		start := time.Now()
		co.run()
		h.ran(time.Since(start))
	}
	n.watch.end(turn)
	return n.endTurn(turn)
}

// runWoken lets those run on whose calls have just been read the reply of.
func (n *Node) runWoken(turn uint32) uint32 {
	co := n.coroutines.pop()
	if co == nil {
		return turn
	}
	n.wakeElsewhere() // all but one; as a rule there is one
	r := co.request.Load()
	if r.handler.distrusted() || !r.onlyHandler() {
		n.crew.do(n, duty{co: co}) // it may wait for calls that its own goroutines have made
		return turn
	}
	return n.runIn(co, r.handler, turn)
}

// wakeElsewhere lets those run on whose calls have ended, where nobody must wait
// for them.
func (n *Node) wakeElsewhere() {
	for co := n.coroutines.pop(); co != nil; co = n.coroutines.pop() {
		n.crew.do(n, duty{co: co})
	}
}

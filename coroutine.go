package eddy

import (
	"context"
	"iter"
	"slices"
	"sync"
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
// started may call with the same ctx; that one waits on its own, see await.
type coroutine struct {
	node  *Node
	self  uintptr // its goroutine
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	request atomic.Pointer[Request] // that it serves
	turn    atomic.Uint32           // of reading that it runs in
	order   order                   // the call that its handler waits for, until that has begun
	end     waiter                  // of that call

	reply    any // of the handler
	err      error
	returned bool
}

// An order is what RPCWithRetry was given.
type order struct {
	ctx    context.Context
	dest   string
	body   any
	policy *Policy
}

// serveAll is what runs on the coroutine's own stack.
func (co *coroutine) serveAll(yield func(struct{}) bool) {
	co.self, co.yield = goroutine(), yield
	defer func() {
		if r := co.request.Load(); r != nil {
			r.leave() // the handler has ended its goroutine, and the reader's with it
		}
	}()
	for {
		co.serve()
		if !yield(struct{}{}) {
			return
		}
	}
}

func (co *coroutine) serve() {
	r := co.request.Load()
	defer r.recover(&co.returned)
	co.reply, co.err = r.handler.run(r.context(), r)
	co.returned = true
}

// coroutine is the one that the caller runs on and may wait on, nil if there is
// none. A call whose ctx may end before its node does is waited for otherwise.
func (n *Node) coroutine(ctx context.Context) *coroutine {
	if co := n.running.Load(); co != nil && co.self == goroutine() && n.ownContext(ctx) == noneOwn {
		return co
	}
	return nil
}

// call is RPCWithRetry on a coroutine.
func (co *coroutine) call(o order) (reply Message, attempts int, err error) {
	co.order = o
	co.yield(struct{}{})
	w := &co.end
	reply, attempts, err = w.reply, w.attempts, w.err
	w.reply, w.err = Message{}, nil
	return reply, attempts, err
}

// begin begins the call that the handler waits for, on the reader's stack. Whoever
// ends it lets the coroutine run on, maybe before this returns. It is false if the
// call could not begin, as the handler is told next.
func (co *coroutine) begin() bool {
	o := co.order
	co.order = order{}
	_, _, err := co.node.beginFor(o.ctx, o.dest, o.body, o.policy, co.end.done)
	if err != nil {
		co.end.err = err
	}
	return err == nil
}

// run lets the handler run until it waits for a call, or has ended.
func (co *coroutine) run() {
	for {
		co.next()
		if co.order.ctx == nil {
			break
		}
		if co.begin() {
			return
		}
	}
	r, reply, err, returned := co.request.Load(), co.reply, co.err, co.returned
	co.request.Store(nil)
	co.reply, co.err, co.returned = nil, nil, false
	co.node.coroutines.free(co, co.node.crew.most(co.node))
	defer r.leave()
	if !returned {
		return // a panic, which was its answer
	}
	returned = false
	defer r.recover(&returned)
	r.end(reply, err)
	returned = true
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
		go co.run() // it may wait for calls that its own goroutines have made
		return turn
	}
	return n.runIn(co, r.handler, turn)
}

// wakeElsewhere lets those run on whose calls have ended, where nobody must wait
// for them.
func (n *Node) wakeElsewhere() {
	for co := n.coroutines.pop(); co != nil; co = n.coroutines.pop() {
		go co.run()
	}
}

// coroutines are those that have nothing to serve, and those whose calls have ended.
type coroutines struct {
	mu     sync.Mutex
	idle   []*coroutine
	unused int // of idle, since the node rested last
	woken  []*coroutine
	any    atomic.Bool // woken has some
	over   bool        // the node has ended
}

// get takes one that is idle, or makes one.
func (p *coroutines) get(n *Node) *coroutine {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		co := p.idle[last]
		p.idle = p.idle[:last]
		p.unused = min(p.unused, last)
		return co
	}
	co := &coroutine{node: n}
	co.end.done = func(_ *Request, reply Message, attempts int, err error) {
		co.end.reply, co.end.attempts, co.end.err = reply.clone(), attempts, err
		p.wake(co)
	}
	co.next, co.stop = iter.Pull(co.serveAll)
	return co
}

// wake notes that the call of one has ended; it waits to be run.
func (p *coroutines) wake(co *coroutine) {
	p.mu.Lock()
	p.woken = append(p.woken, co)
	p.any.Store(true)
	p.mu.Unlock()
}

// pop takes one that waits to be run, nil if there is none.
func (p *coroutines) pop() *coroutine {
	if !p.any.Load() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.woken) - 1
	if last < 0 {
		return nil
	}
	co := p.woken[last]
	p.woken[last] = nil
	p.woken = p.woken[:last]
	p.any.Store(last > 0)
	return co
}

// free takes back one whose handler has ended.
func (p *coroutines) free(co *coroutine, most int) {
	p.mu.Lock()
	keep := !p.over && len(p.idle) < most
	if keep {
		p.idle = append(p.idle, co)
	}
	p.mu.Unlock()
	if !keep {
		co.stop()
	}
}

// rest ends those that were not needed since it was called last: no handler runs any
// more, but as many may come again as came before.
func (p *coroutines) rest() {
	p.mu.Lock()
	gone := p.takeIdle(min(p.unused, len(p.idle)-crewAtRest))
	p.unused = len(p.idle)
	p.mu.Unlock()
	stopAll(gone)
}

// end ends all that are idle, and those that come later too.
func (p *coroutines) end() {
	p.mu.Lock()
	p.over = true
	gone := p.takeIdle(len(p.idle))
	p.mu.Unlock()
	stopAll(gone)
}

// takeIdle takes some of those out that are idle. mu is held.
func (p *coroutines) takeIdle(count int) []*coroutine {
	count = max(count, 0)
	some := slices.Clone(p.idle[:count])
	p.idle = slices.Delete(p.idle, 0, count)
	return some
}

func stopAll(some []*coroutine) {
	for _, co := range some {
		co.stop()
	}
}

package eddy

import (
	"context"
	"errors"

	"github.com/eddyrpc/eddy/internal/calls"
)

// RPC calls dest with a single attempt of 500 ms.
func (n *Node) RPC(ctx context.Context, dest string, body any) (Message, error) {
	reply, _, err := n.RPCWithRetry(ctx, dest, body, once)
	return reply, err
}

var once = &Policy{Attempts: 1}

// A Callback is told how a call that was made for a request has ended. It runs
// where the node's messages are read or its timeouts kept, so it must not block;
// the reply's body is valid until it returns, and so is an inline handler's request
// if no other call of its is open.
type Callback func(req *Request, reply Message, attempts int, err error)

// Call is RPCWithRetry without a goroutine that waits: done is called once, when
// the call has ended, unless the node had ended before it began. A handler that
// answers from done returns Later. The body is
// raw, so that an open call costs a few hundred bytes in all; JSON makes one of
// any Go value.
func (r *Request) Call(dest string, body Raw, policy *Policy, done Callback) {
	if !r.hold(0) {
		panic("eddy: a Call for a request that is over")
	}
	if r.turn == inlineFresh {
		r.turn = inlineKept // done may answer from elsewhere while the next line is read
	}
	var d draft
	err := d.scan(dest, body)
	if err != nil {
		err = unsent(dest, err)
	} else {
		_, err = r.handler.node.begin(noneOwn, &d, policy, owner{r, done}, r.handler.node.reader.rooms.forCall(r))
	}
	if err != nil {
		r.refused(done, err)
	}
}

// refused tells of a call that could not begin. A callback may then make another
// that can't: were that told from within it, a program that never gives up would
// overflow the stack. And after the node's end nobody is told, or it would never
// stop.
func (r *Request) refused(done Callback, err error) {
	n := r.handler.node
	switch {
	case n.phase.Load() == ended:
		r.release()
	case r.state.Or(isRefused)&isRefused != 0:
		go n.tell(owner{r, done}, Message{}, 0, err)
	default:
		defer r.state.And(^uint32(isRefused))
		n.tell(owner{r, done}, Message{}, 0, err)
	}
}

// An owner is who is told when a call has ended.
type owner struct {
	request *Request // that the call is made for, and which it holds; may be nil
	done    Callback
}

type call = calls.Call[owner]

// tell calls an owner's done, and lets its request go. It reports whether that was the
// last to hold it.
func (n *Node) tell(o owner, reply Message, attempts int, err error) (last bool) {
	if o.request == nil {
		o.done(nil, reply, attempts, err)
		return false
	}
	returned := false
	defer func() { last = o.request.release() }()
	defer o.request.recover(&returned)
	o.done(o.request, reply, attempts, err)
	returned = true
	return false
}

// waitingRequest is the request whose handler is about to wait for a call made
// with ctx, held for the call; nil if there is none. An inline handler must not
// wait.
func waitingRequest(ctx context.Context) (*Request, error) {
	r := requestOf(ctx)
	switch {
	case r == nil:
		return nil, nil
	case r.inline():
		return nil, errors.New("the inline handler of " + r.Type() + " would wait for a call")
	case !r.hold(hasWaited):
		return nil, nil // the handler has ended without us
	}
	r.handler.waits()
	return r, nil
}

// A waiter is what a goroutine waits with for the end of its call. Each is used
// many times: its channel and its done cost more than the call itself.
type waiter struct {
	ended    chan struct{} // gets one value; nil if it is a coroutine's
	done     Callback
	reply    Message
	attempts int
	err      error
}

// newWaiter takes one that is free, or makes one. The pool is the node's own:
// in a test in virtual time a channel must not leave its bubble.
func (n *Node) newWaiter() *waiter {
	if w, ok := n.waiters.Get().(*waiter); ok {
		return w
	}
	w := &waiter{ended: make(chan struct{}, 1)}
	w.done = func(_ *Request, reply Message, attempts int, err error) {
		w.set(reply, attempts, err)
		w.ended <- struct{}{}
	}
	return w
}

// freeWaiter takes back one that no call knows any more.
func (n *Node) freeWaiter(w *waiter) {
	w.reply, w.attempts, w.err = Message{}, 0, nil
	if w.ended != nil {
		n.waiters.Put(w)
	}
}

func (w *waiter) set(reply Message, attempts int, err error) {
	w.reply, w.attempts, w.err = reply.clone(), attempts, err
}

// noneOwn stands for the context of a call that ends only with its node.
var noneOwn context.Context

// ownContext is a call's ctx if it can end before the node does, otherwise
// noneOwn: the end of the node ends its calls too.
func (n *Node) ownContext(ctx context.Context) context.Context {
	if r, ok := ctx.(*requestContext); ok && r.handler.node == n {
		return noneOwn
	}
	switch done := ctx.Done(); {
	case done == nil:
		return noneOwn
	case n.self.Load() == nil && n.official == nil: // n.ctx is there once init is, an official node's once it is open
		return noneOwn
	case done == n.ctx.Done():
		return noneOwn
	}
	return ctx
}

// await waits until the call has ended, and ends it when ctx does.
func (n *Node) await(ctx context.Context, c *call, w *waiter) {
	if c.Owner.request == nil {
		if timer := n.watchWaiting(); timer != nil {
			defer timer.Stop()
		}
	}
	if ctx = n.ownContext(ctx); ctx == noneOwn {
		<-w.ended // a select costs thrice as much
		return
	}
	select {
	case <-w.ended:
	case <-ctx.Done():
		n.cancel(c, context.Cause(ctx))
		<-w.ended
	}
}

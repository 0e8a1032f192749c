package eddy

import (
	"context"
	"iter"
)

// An Answer is what became of one call of a Broadcast: what RPCWithRetry returns.
type Answer struct {
	Dest     string
	Reply    Message
	Attempts int
	Err      error // nil if Dest has answered without an error
}

// Broadcast calls all of dests at once, each as RPCWithRetry does, and yields one
// Answer for each, in the order in which the calls end. slices.Collect waits for all
// of them; the policy bounds how long that takes.
//
// The calls begin with the loop over the answers, in the order of dests. Leaving the
// loop ends those that are still open: they are not attempted again, but what was sent
// may arrive and have its effect. So a quorum is a loop with a break; one whose
// remaining nodes shall be told too goes on to the end instead.
//
//	for a := range n.Broadcast(ctx, peers, body, nil) {
//		if a.Err == nil {
//			votes++
//		}
//		if votes > len(peers)/2 {
//			break
//		}
//	}
//
// A name that stands twice in dests is called twice; the node itself is called like
// any other. When ctx ends, so do the calls, at once.
func (n *Node) Broadcast(ctx context.Context, dests []string, body any, policy *Policy) iter.Seq[Answer] {
	return func(yield func(Answer) bool) {
		b := broadcast{node: n, answers: make(chan Answer, len(dests)), left: len(dests)}
		b.begin(ctx, dests, body, policy)
		defer b.end(context.Canceled) // what is open when the loop is left
		b.yieldAll(ctx, yield)
	}
}

type broadcast struct {
	node    *Node
	calls   []*call
	answers chan Answer // has room for all, so that nobody waits to give one
	left    int         // how many are still to come
}

func (b *broadcast) begin(ctx context.Context, dests []string, body any, policy *Policy) {
	raw, invalid := JSON(body)
	for _, dest := range dests {
		done := func(_ *Request, reply Message, attempts int, err error) {
			b.answers <- Answer{dest, reply.clone(), attempts, err}
		}
		if invalid != nil {
			done(nil, Message{}, 0, unsent(dest, invalid))
		} else if call, request, err := b.node.beginFor(order{ctx, dest, raw, policy}, done, nil); err != nil {
			done(nil, Message{}, 0, err)
		} else {
			b.calls = append(b.calls, call)
			b.node.readOn(request)
		}
	}
}

func (b *broadcast) yieldAll(ctx context.Context, yield func(Answer) bool) {
	for ended := ctx.Done(); b.left > 0; {
		select {
		case a := <-b.answers:
			if b.left--; !yield(a) {
				return
			}
		case <-ended:
			b.end(context.Cause(ctx))
			ended = nil // the answers come now
		}
	}
}

// end ends the calls that are still open.
func (b *broadcast) end(cause error) {
	if b.left == 0 {
		return
	}
	for _, c := range b.calls {
		b.node.cancel(c, cause)
	}
}

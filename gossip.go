package eddy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/batcher"
	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/check"
	"github.com/eddyrpc/eddy/internal/periodic"
)

// Every calls f after init and then again after each d, one call at a time, until
// the node drains; ctx ends then. A round that takes longer than d delays the next one.
// Every panics if d is not positive.
func (n *Node) Every(d time.Duration, f func(ctx context.Context)) {
	if d <= 0 {
		panic(fmt.Sprintf("eddy: Every with period %v", d))
	}
	check.Must(check.NotNil("the function of Every", f))
	n.goLoop(func(ctx context.Context) {
		periodic.Every(ctx, d, func() { n.runApart("Every", func() { f(ctx) }) })
	})
}

// EveryAbout is Every for nodes that start together and must not act together. The first
// round begins after a random part of d. Each further round begins d after the beginning of
// the one before, made longer or shorter by a random fraction of at most jitter. A jitter of
// 0.5 ends the synchronization of periodic messages (Floyd and Jacobson, The Synchronization
// of Periodic Routing Messages, IEEE/ACM Transactions on Networking 2(2), 1994). EveryAbout
// panics if d is not positive or jitter is not from 0 to 1.
func (n *Node) EveryAbout(d time.Duration, jitter float64, f func(ctx context.Context)) {
	if d <= 0 || !(jitter >= 0 && jitter <= 1) {
		panic(fmt.Sprintf("eddy: EveryAbout with period %v, jitter %v", d, jitter))
	}
	check.Must(check.NotNil("the function of EveryAbout", f))
	n.goLoop(func(ctx context.Context) {
		periodic.About(ctx, d, jitter, n.process.Fraction, func() { n.runApart("EveryAbout", func() { f(ctx) }) })
	})
}

// goLoop is loop for an f that blocks.
func (n *Node) goLoop(f func(ctx context.Context)) {
	n.loop(func(ctx context.Context) { go f(ctx) })
}

// runApart runs f on a goroutine of its own, which f may end, and waits for its end. A
// panic is logged.
func (n *Node) runApart(what string, f func()) {
	periodic.Apart(f, func(p any) { n.log.Panic(what, p) })
}

// Broadcast calls all of dests at the same time, each as RPCWithRetry does. It yields one
// [Result] for each, in the order in which the calls end. slices.Collect waits for all of
// them; the policy bounds how long that takes. When ctx ends, so do the calls, at once.
//
// The calls begin with the loop over the results, in the order of dests. Leaving the loop, for
// example when a quorum has replied, ends the calls that are still open: they send no further
// attempt, but what was sent may arrive and have its effect.
func (n *Node) Broadcast(ctx context.Context, dests []string, body any, policy *Policy) iter.Seq[Result] {
	check.Must(check.NotNil("the context of Broadcast", ctx))
	return func(yield func(Result) bool) {
		b := broadcast{node: n, results: make(chan Result, len(dests)), left: len(dests)}
		b.begin(ctx, dests, body, policy)
		defer b.cancel(context.Canceled) // what is open when the loop is left
		for ended := ctx.Done(); b.left > 0; {
			select {
			case r := <-b.results:
				b.left--
				if !yield(r) {
					return
				}
			case <-ended:
				b.cancel(context.Cause(ctx))
				ended = nil // the results come now
			}
		}
	}
}

type broadcast struct {
	node    *Node
	calls   []*call
	results chan Result // has room for all
	left    int         // how many results are still to come
}

func (b *broadcast) begin(ctx context.Context, dests []string, body any, policy *Policy) {
	raw, invalid := Marshal(body)
	done := func(r Result) {
		r.Reply = r.Reply.clone()
		b.results <- r
	}
	for _, dest := range dests {
		if invalid != nil {
			done(Result{Dest: dest, Err: unsent(dest, invalid)})
		} else if c, err := b.node.beginBlocking(ctx, dest, raw, policy, done); err != nil {
			done(Result{Dest: dest, Err: err})
		} else {
			b.calls = append(b.calls, c)
		}
	}
}

// cancel ends the calls that are still open.
func (b *broadcast) cancel(cause error) {
	if b.left == 0 {
		return
	}
	for _, c := range b.calls {
		b.node.calls.Cancel(c, cause)
	}
}

// A Batcher gathers items and flushes them together, so that many small messages become
// few. It flushes when it has size items, and when the first of them has waited for age. Its
// methods may be called from any goroutine and do not wait.
//
// flush gets the items in the order in which they were added, one batch at a time. Items that
// are added while it runs are the next batch, which may be larger than size. flush may make
// calls and wait for them. Items that it could not deliver are its own to keep, or to Add again.
//
// Nothing is flushed before the reply to init. When the node drains, everything is flushed
// at once; the node does not end before flush has returned or Drain is over. ctx ends with the
// node.
type Batcher[T any] struct{ items *batcher.Batcher[T] }

// NewBatcher makes a Batcher, before the node runs or while it does. It panics if size or
// age is not positive.
func NewBatcher[T any](n *Node, size int, age time.Duration, flush func(ctx context.Context, batch []T)) *Batcher[T] {
	if size <= 0 || age <= 0 {
		panic(fmt.Sprintf("eddy: NewBatcher with size %d, age %v", size, age))
	}
	check.Must(check.NotNil("the node of a Batcher", n), check.NotNil("the function of a Batcher", flush))
	flushed := func(batch []T) {
		n.runApart("the flush of a Batcher", func() { flush(n.ctx, batch) })
		n.batches.Add(-1)
		n.nudge()
	}
	b := &Batcher[T]{batcher.New(size, age, func() { n.batches.Add(1) }, flushed)}
	n.loop(b.items.Open)
	return b
}

// Add adds items.
func (b *Batcher[T]) Add(items ...T) { b.items.Add(items...) }

// Flush begins to flush what has been gathered.
func (b *Batcher[T]) Flush() { b.items.Flush() }

// A Seen remembers keys, to tell new ones from those that came before, as gossip must in
// order to end. It keeps the latest Max keys: one more key makes it forget the key that was
// added first. A key that it has forgotten is new again, so Max must be well above the number
// of keys that come up while a message may still be on its way. The zero value is ready, and
// the methods may be called from any goroutine.
type Seen[K comparable] struct {
	// Max is how many keys are remembered. 0 means 100,000.
	Max int

	mu   sync.Mutex
	keys bounded.Latest[K]
}

const defaultMaxSeen = 100_000

// Add adds a key, and reports whether it is new.
func (s *Seen[K]) Add(key K) (isNew bool) {
	check.Must(check.NotNegative("Seen.Max", s.Max))
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.Add(key, cmp.Or(s.Max, defaultMaxSeen))
}

// Len returns how many keys it remembers.
func (s *Seen[K]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.Len()
}

package eddy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/retry"
)

// Every calls f at once after init and then each d, never twice at the same
// time, until the node drains; ctx ends then. A round that takes longer than d
// delays the next. A d that is not over 0 is a mistake of the program's.
func (n *Node) Every(d time.Duration, f func(ctx context.Context)) {
	if d <= 0 {
		panic(fmt.Sprintf("eddy: Every %v", d))
	}
	n.loop(func(ctx context.Context) {
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		for ctx.Err() == nil {
			n.apart("Every", func() { f(ctx) })
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	})
}

// EveryAbout is Every for many nodes that begin together and shall not act together:
// the first round comes a random part of d after init, and each further one d after
// the beginning of the one before, made longer or shorter by a fraction jitter of d at
// most. A jitter that is not from 0 to 1 is a mistake of the program's.
//
// Without it, all nodes of a cluster gossip at the same moment, for as long as they
// live, and the network has nothing to do in between. (Floyd and Jacobson, The
// Synchronization of Periodic Routing Messages, IEEE/ACM Transactions on Networking
// 2(2), 1994: a jitter of half the period undoes any such accord.)
func (n *Node) EveryAbout(d time.Duration, jitter float64, f func(ctx context.Context)) {
	if d <= 0 || !(jitter >= 0 && jitter <= 1) {
		panic(fmt.Sprintf("eddy: EveryAbout %v, %v", d, jitter))
	}
	period := retry.Backoff{Kind: retry.Constant, Base: d, Cap: 2 * d, Jitter: retry.PlusMinus(jitter)}
	n.loop(func(ctx context.Context) {
		timer := time.NewTimer(rand.N(d))
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			if ctx.Err() != nil { // also if both have come
				return
			}
			timer.Reset(schedule.DrawPause(period, 1, 0, rand.Uint64()))
			n.apart("EveryAbout", func() { f(ctx) })
		}
	})
}

// loop begins f on a goroutine once init has been answered. Its ctx ends when the
// node drains.
func (n *Node) loop(f func(ctx context.Context)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.looping {
		go f(n.rounds)
		return
	}
	n.loops = append(n.loops, f)
}

// apart runs f on a goroutine of its own, that it may end or panic on, and waits for
// its end.
func (n *Node) apart(what string, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer n.recoverTo(what)
		f()
	}()
	<-done
}

package eddy

import (
	"slices"
	"sync"
	"sync/atomic"
)

// coroutines are those that have nothing to serve, and those whose calls have ended.
type coroutines struct {
	fresh atomic.Pointer[coroutine] // one that is woken: as a rule there is no other
	more  atomic.Bool               // there are others

	mu     sync.Mutex // guards all below
	woken  []*coroutine
	idle   []*coroutine
	unused int  // of idle, since the node rested last
	over   bool // the node has ended
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
	if n.active.Load() >= manyWait {
		waitBallast()
	}
	return newCoroutine(n)
}

// wake notes that the call of one has ended; it waits to be run.
func (p *coroutines) wake(co *coroutine) {
	if p.fresh.CompareAndSwap(nil, co) {
		return
	}
	p.mu.Lock()
	p.woken = append(p.woken, co)
	p.more.Store(true)
	p.mu.Unlock()
}

// pop takes one that waits to be run, nil if there is none.
func (p *coroutines) pop() *coroutine {
	if p.fresh.Load() != nil {
		if co := p.fresh.Swap(nil); co != nil {
			return co
		}
	}
	if !p.more.Load() {
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
	p.more.Store(last > 0)
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

// stopAll stops them on a goroutine of its own: whoever calls may hold its thread
// (runtime.LockOSThread), which no coroutine bears.
func stopAll(some []*coroutine) {
	if len(some) == 0 {
		return
	}
	go func() {
		for _, co := range some {
			co.stop()
		}
	}()
}

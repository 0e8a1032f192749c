// Package batcher gathers items and flushes them together.
package batcher

import (
	"context"
	"sync"
	"time"
)

// A Batcher gathers items. It flushes them when it has size items, when the first of them has
// waited for age, and when its context has ended. Its methods may be called from any goroutine
// and do not wait.
type Batcher[T any] struct {
	size  int
	age   time.Duration
	begun func()
	flush func(batch []T)

	mu    sync.Mutex
	ctx   context.Context // nil before Open
	items []T
	old   bool // the items are due, because of their age or Flush
	busy  bool // flush runs
	timer *time.Timer
}

// New returns a Batcher that calls begun when the first item of a batch is added, but not
// before Open, and flush with each batch, one at a time, in another goroutine.
func New[T any](size int, age time.Duration, begun func(), flush func(batch []T)) *Batcher[T] {
	return &Batcher[T]{size: size, age: age, begun: begun, flush: flush}
}

// Open lets the Batcher flush. When ctx ends it flushes everything.
func (b *Batcher[T]) Open(ctx context.Context) {
	b.mu.Lock()
	b.ctx = ctx
	if len(b.items) > 0 {
		b.begun()
	}
	b.look()
	b.mu.Unlock()
	context.AfterFunc(ctx, b.Flush)
}

// Add adds items.
func (b *Batcher[T]) Add(items ...T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 && len(items) > 0 && b.ctx != nil {
		b.begun()
	}
	b.items = append(b.items, items...)
	b.look()
}

// Flush begins to flush what has been gathered.
func (b *Batcher[T]) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.old = len(b.items) > 0
	b.look()
}

// look begins a flush that is due, or to wait for one. mu is held.
func (b *Batcher[T]) look() {
	switch {
	case b.ctx == nil || len(b.items) == 0:
	case !b.busy && b.due():
		b.busy = true
		go b.run()
	case b.timer == nil:
		b.timer = time.AfterFunc(b.age, b.Flush)
	}
}

func (b *Batcher[T]) due() bool {
	return len(b.items) > 0 && (b.old || len(b.items) >= b.size || b.ctx.Err() != nil)
}

// run flushes batches as long as one is due.
func (b *Batcher[T]) run() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.due() {
		batch := b.items
		b.items, b.old = nil, false
		if b.timer != nil {
			b.timer.Stop()
			b.timer = nil
		}
		b.mu.Unlock()
		b.flush(batch)
		b.mu.Lock()
	}
	b.busy = false
}

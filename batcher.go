package eddy

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A Batcher gathers items and hands them on together, so that many small messages
// become few: as soon as there are size of them, and when the first of them has waited
// for age. Its methods may be called from any goroutine, and never wait.
//
// A batch is handed on by a call of flush, in the order in which its items were added,
// one batch after another. While flush is at work, items go on gathering, and the next
// call gets all of them, which may be more than size: so a slow flush makes batches
// larger and not the queue longer. flush may wait for calls; who wants a batch for
// each destination makes a Batcher for each.
//
// Nothing that was added is handed on before init has been answered, and nothing gets
// lost at the end: when the node drains, what has gathered is handed on at once, so is
// what is added after that, and the node does not end before flush has returned, or its
// Drain is over. (After the end of its input a node hears no answers: a flush can then
// send, but calls in vain.) ctx ends with the node. What flush could not bring about is
// its own to keep, or to Add again.
type Batcher[T any] struct {
	node  *Node
	size  int
	age   time.Duration
	flush func(ctx context.Context, batch []T)

	mu     sync.Mutex
	rounds context.Context // ends when the node drains; nil before init
	items  []T
	ripe   bool // what has gathered is to go now
	busy   bool // flush is at work
	timer  *time.Timer
}

// NewBatcher makes a Batcher, once for each purpose, before the node runs or while it
// does. A size or age that is not over 0 is a mistake of the program's.
func NewBatcher[T any](n *Node, size int, age time.Duration, flush func(ctx context.Context, batch []T)) *Batcher[T] {
	if size <= 0 || age <= 0 {
		panic(fmt.Sprintf("eddy: NewBatcher with size %d, age %v", size, age))
	}
	b := &Batcher[T]{node: n, size: size, age: age, flush: flush}
	n.loop(b.begin)
	return b
}

// Add adds items.
func (b *Batcher[T]) Add(items ...T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 && len(items) > 0 {
		b.node.batches.Add(1)
	}
	b.items = append(b.items, items...)
	b.look()
}

// Flush hands on what has gathered, without waiting for it.
func (b *Batcher[T]) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ripe = len(b.items) > 0
	b.look()
}

// begin runs when init has been answered.
func (b *Batcher[T]) begin(rounds context.Context) {
	b.mu.Lock()
	b.rounds = rounds
	b.look()
	b.mu.Unlock()
	context.AfterFunc(rounds, b.Flush)
}

// look begins to hand on what is due, or to wait for its time. mu is held.
func (b *Batcher[T]) look() {
	switch {
	case b.rounds == nil || len(b.items) == 0:
	case !b.busy && b.due():
		b.busy = true
		go b.run()
	case b.timer == nil:
		b.timer = time.AfterFunc(b.age, b.Flush)
	}
}

func (b *Batcher[T]) due() bool {
	return len(b.items) > 0 && (b.ripe || len(b.items) >= b.size || b.rounds.Err() != nil)
}

// run hands on batches as long as one is due.
func (b *Batcher[T]) run() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.due() {
		batch := b.items
		b.items, b.ripe = nil, false
		if b.timer != nil {
			b.timer.Stop()
			b.timer = nil
		}
		b.mu.Unlock()
		b.node.apart("a Batcher's flush", func() { b.flush(b.node.ctx, batch) })
		b.node.batches.Add(-1)
		b.node.checkRest()
		b.mu.Lock()
	}
	b.busy = false
}

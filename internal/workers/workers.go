// Package workers has a pool of goroutines.
package workers

import (
	"context"
	"sync/atomic"
)

// A Pool runs a function for each of many values, each at once and on a goroutine of its own.
// A goroutine that has finished waits for another value, so that its stack, which has grown,
// is used again (bench, relay, eddy-blocking). New makes a Pool.
type Pool[T any] struct {
	ctx  context.Context
	run  func(T)
	next chan T       // from Do to a goroutine that waits
	idle atomic.Int32 // goroutines that wait
}

// maxIdle is how many goroutines wait for another value at most. The others end.
const maxIdle = 1024

// New returns a pool that runs run for each value. Its waiting goroutines end with ctx.
func New[T any](ctx context.Context, run func(T)) *Pool[T] {
	return &Pool[T]{ctx: ctx, run: run, next: make(chan T)}
}

// Do runs the function for a value on a goroutine, and does not wait.
func (p *Pool[T]) Do(value T) {
	select {
	case p.next <- value:
	default:
		go p.work(value)
	}
}

// work runs the function for value and for those that come later.
func (p *Pool[T]) work(value T) {
	for {
		p.run(value)
		if p.idle.Add(1) > maxIdle {
			p.idle.Add(-1)
			return
		}
		select {
		case value = <-p.next:
			p.idle.Add(-1)
		case <-p.ctx.Done():
			return
		}
	}
}

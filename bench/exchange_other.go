//go:build !unix

package main

import (
	"fmt"
	"sync"
)

// An exchange writes to a node and reads from it at the same time.
type exchange struct {
	p      *Process
	mu     sync.Mutex
	more   sync.Cond
	unsent []byte
	closed bool
	done   chan error
}

func newExchange(p *Process) (*exchange, error) {
	x := &exchange{p: p, done: make(chan error, 1)}
	x.more.L = &x.mu
	go func() { x.done <- x.write() }()
	return x, nil
}

// next adds lines to what is to be written, and reads at least one.
func (x *exchange) next(lines []byte) ([]byte, error) {
	x.mu.Lock()
	x.unsent = append(x.unsent, lines...)
	x.mu.Unlock()
	x.more.Signal()
	return x.p.Out.Read()
}

func (x *exchange) write() error {
	var out []byte
	for {
		x.mu.Lock()
		for len(x.unsent) == 0 && !x.closed {
			x.more.Wait()
		}
		out, x.unsent = x.unsent, out[:0]
		x.mu.Unlock()
		if len(out) == 0 {
			return nil
		}
		if _, err := x.p.In.Write(out); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
}

// close waits until all is written.
func (x *exchange) close() error {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.more.Signal()
	return <-x.done
}

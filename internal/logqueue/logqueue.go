// Package logqueue has a writer that never blocks.
package logqueue

import (
	"io"
	"sync"
	"time"
)

// A Queue passes on what is written to it, by a goroutine that ends when nothing waits.
type Queue struct {
	to io.Writer

	mu      sync.Mutex
	waiting []byte
	busy    bool // the goroutine runs
	idle    sync.Cond
	dropped int64
}

// maxWaiting is how many bytes wait at most; what comes beyond is dropped.
const maxWaiting = 1 << 20

// New returns a Queue that passes on to w.
func New(w io.Writer) *Queue {
	q := &Queue{to: w}
	q.idle.L = &q.mu
	return q
}

// Write takes one line, or drops it if too much waits already. It returns no error.
func (q *Queue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting)+len(line) > maxWaiting {
		q.dropped++
		return len(line), nil
	}
	q.waiting = append(q.waiting, line...)
	if !q.busy {
		q.busy = true
		go q.passOn()
	}
	return len(line), nil
}

// passOn writes all that waits.
func (q *Queue) passOn() {
	q.mu.Lock()
	defer q.mu.Unlock()
	var spare []byte
	for len(q.waiting) > 0 {
		full := q.waiting
		q.waiting = spare[:0]
		q.mu.Unlock()
		q.to.Write(full) // there is nobody to tell its error to
		q.mu.Lock()
		spare = full
	}
	q.waiting = nil
	q.busy = false
	q.idle.Broadcast()
}

// Dropped returns how many lines were dropped.
func (q *Queue) Dropped() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// Flush waits until everything is passed on, but not longer than atMost.
func (q *Queue) Flush(atMost time.Duration) {
	late := false
	timer := time.AfterFunc(atMost, func() {
		q.mu.Lock()
		late = true
		q.idle.Broadcast()
		q.mu.Unlock()
	})
	defer timer.Stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.busy && !late {
		q.idle.Wait()
	}
}

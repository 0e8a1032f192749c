package calls

import (
	"math"
	"time"
)

// A queue is a linked list of calls, first in, first out. A call is in at most one queue.
type queue[O any] struct{ first, last *Call[O] }

// A where says in which queue a call is.
type where uint8

const (
	nowhere   where = iota
	unsent          // the latest attempt is in the buffer
	flushing        // the latest attempt is being written
	postponed       // the next attempt waits for room in the buffer
	waiting         // the latest attempt waits for its reply
)

func (q *queue[O]) push(c *Call[O], w where) {
	c.where, c.prev, c.next = w, q.last, nil
	if q.last == nil {
		q.first = c
	} else {
		q.last.next = c
	}
	q.last = c
}

// pop removes and returns the first call, nil if there is none.
func (q *queue[O]) pop() *Call[O] {
	c := q.first
	if c != nil {
		q.remove(c)
	}
	return c
}

func (q *queue[O]) remove(c *Call[O]) {
	if c.prev == nil {
		q.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		q.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.where, c.next, c.prev = nowhere, nil, nil
}

// Timeouts are the calls whose latest attempts wait for their replies. All calls whose latest
// attempts have the same timeout are in one queue, in the order in which they were written. So
// they time out in the order of the queue, and a timeout costs the same with ten open calls as
// with a million. A heap of all calls would cost a cache miss for each of its levels (bench,
// timeouts-1m).
type timeouts[O any] struct {
	queues map[time.Duration]*timeoutQueue[O]
	latest *timeoutQueue[O] // often the same one again
	timers timers[O]
}

// A timeoutQueue has the calls with one timeout. Its timer is that of its first call.
type timeoutQueue[O any] struct {
	queue[O]
	timer   timer[O]
	timeout time.Duration
}

// maxEmpty is how many queues there may be before the empty ones are removed.
const maxEmpty = 64

// add adds a call whose latest attempt has been written.
func (t *timeouts[O]) add(c *Call[O]) {
	q := t.queue(c)
	q.push(c, waiting)
	t.setTimer(q)
}

// remove removes a call from its queue.
func (t *timeouts[O]) remove(c *Call[O]) {
	q := t.queue(c)
	if c.prev == nil && q.first != c || c.next == nil && q.last != c {
		q = t.queueOf(c) // the user has changed the policy
	}
	q.remove(c)
	t.setTimer(q)
}

// queueOf returns the queue whose first or last call is c.
func (t *timeouts[O]) queueOf(c *Call[O]) *timeoutQueue[O] {
	for _, q := range t.queues {
		if q.first == c || q.last == c {
			return q
		}
	}
	return nil
}

// queue returns the queue for the timeout of the latest attempt.
func (t *timeouts[O]) queue(c *Call[O]) *timeoutQueue[O] {
	timeout := c.Policy.AttemptTimeout(c.Sent())
	if t.latest != nil && t.latest.timeout == timeout {
		return t.latest
	}
	q := t.queues[timeout]
	if q == nil {
		q = t.newQueue(timeout)
	}
	t.latest = q
	return q
}

func (t *timeouts[O]) newQueue(timeout time.Duration) *timeoutQueue[O] {
	if t.queues == nil {
		t.queues = make(map[time.Duration]*timeoutQueue[O])
	}
	if len(t.queues) >= maxEmpty {
		for timeout, q := range t.queues {
			if q.first == nil {
				delete(t.queues, timeout)
			}
		}
	}
	q := &timeoutQueue[O]{timeout: timeout}
	q.timer.queue, q.timer.at = q, notSet
	t.queues[timeout] = q
	return q
}

// setTimer sets the timer of a queue to its first call.
func (t *timeouts[O]) setTimer(q *timeoutQueue[O]) {
	switch {
	case q.first == nil:
		t.timers.stop(&q.timer)
		q.timer.call = nil
	case q.timer.call != q.first:
		q.timer.call = q.first
		t.timers.set(&q.timer, plus(q.first.written, q.timeout))
	}
}

// plus adds two durations that are not negative. It returns the largest duration instead of
// an overflow.
func plus(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

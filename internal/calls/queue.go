package calls

import (
	"math"
	"time"
)

// A queue is a linked list of calls, first in, first out. A call is in at most one queue.
//
// All calls whose latest attempts have the same timeout are in one queue, in the order in
// which they were written. So they time out in the order of the queue, and a timeout costs
// the same with ten open calls as with a million. A heap of all calls would cost a cache
// miss for each of its levels (bench, storm).
type queue[O any] struct {
	first, last *Call[O]

	// Only in a queue of timeouts.
	ofTimeouts bool
	timer[O]                 // of the first call
	wait       time.Duration // the timeout of the calls
}

func (q *queue[O]) push(c *Call[O]) {
	c.queue, c.prev, c.next = q, q.last, nil
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
	c.queue, c.next, c.prev = nil, nil, nil
}

// timeouts are the queues of calls that wait for their timeouts.
type timeouts[O any] struct {
	byWait map[time.Duration]*queue[O]
	timers timers[O]
}

// maxEmpty is how many queues there may be before the empty ones are removed.
const maxEmpty = 64

// add adds a call whose latest attempt has been written and has this timeout.
func (t *timeouts[O]) add(c *Call[O], wait time.Duration) {
	q := t.byWait[wait]
	if q == nil {
		if len(t.byWait) >= maxEmpty {
			t.sweep()
		}
		if t.byWait == nil {
			t.byWait = make(map[time.Duration]*queue[O])
		}
		q = &queue[O]{wait: wait, ofTimeouts: true}
		q.at = notSet
		t.byWait[wait] = q
	}
	q.push(c)
	t.set(q)
}

// remove removes a call from its queue.
func (t *timeouts[O]) remove(c *Call[O]) {
	q := c.queue
	q.remove(c)
	if q.ofTimeouts {
		t.set(q)
	}
}

// set sets the timer of a queue to its first call.
func (t *timeouts[O]) set(q *queue[O]) {
	switch {
	case q.call == q.first && q.at != notSet:
	case q.first == nil:
		t.timers.stop(&q.timer)
		q.call = nil
	default:
		q.call = q.first
		t.timers.set(&q.timer, plus(q.first.written, q.wait))
	}
}

// sweep removes the empty queues.
func (t *timeouts[O]) sweep() {
	for wait, q := range t.byWait {
		if q.first == nil {
			delete(t.byWait, wait)
		}
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

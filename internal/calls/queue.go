package calls

import (
	"math"
	"time"
)

// A queue holds calls, the first to come first. A call stands in at most one.
//
// Calls whose latest attempts have the same timeout stand in one queue from when
// they are written. So they time out in the order in which they stand, and a
// timeout costs the same with ten open calls as with a million, where a heap of all
// calls would cost a cache miss for each of its levels (bench, storm).
type queue[O any] struct {
	timer[O]    // of its first call, set in a queue of timeouts only
	wait        time.Duration
	first, last *Call[O]
	ofTimeouts  bool
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

// pop takes out the first call, nil if there is none.
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

// maxEmpty is how many queues are kept that may be empty.
const maxEmpty = 64

// add lets a call wait from when its attempt was written.
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

// remove takes a call out of its queue.
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

// sweep forgets the empty queues.
func (t *timeouts[O]) sweep() {
	for wait, q := range t.byWait {
		if q.first == nil {
			delete(t.byWait, wait)
		}
	}
}

// plus adds durations that are not negative. A sum that is too large is the largest.
func plus(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

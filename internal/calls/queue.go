package calls

// A queue is a line of calls, first come first, that a call can also leave from
// the middle. A call stands in one queue at a time.
type queue[O any] struct {
	head, tail *Call[O]
}

func (q *queue[O]) push(c *Call[O]) {
	c.in, c.prev, c.next = q, q.tail, nil
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
}

func (q *queue[O]) pop() *Call[O] {
	c := q.head
	if c != nil {
		q.remove(c)
	}
	return c
}

func (q *queue[O]) remove(c *Call[O]) {
	if c.prev == nil {
		q.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		q.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.in, c.prev, c.next = nil, nil, nil
}

// take moves all that stand in from behind those that stand here.
func (q *queue[O]) take(from *queue[O]) {
	for c := from.pop(); c != nil; c = from.pop() {
		q.push(c)
	}
}

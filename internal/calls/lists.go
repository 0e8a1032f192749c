package calls

// A list is one of the queues that a call can stand in, one at a time: the slots
// of the wheel, and some more.
type list int16

const (
	nowhere  list = iota
	unsent        // in the owner's buffer
	flushing      // being written out
	again         // to be sent again when there is room
	firstFar
	firstNear = firstFar + farSlots
	numLists  = firstNear + nearSlots
)

// lists are queues, first come first, that a call can also leave from the
// middle: doubly linked through the calls themselves.
type lists[O any] struct {
	queues []queue[O] // numLists of them once there is a call
}

type queue[O any] struct{ head, tail *Call[O] }

func (s *lists[O]) any(l list) bool { return s.queues != nil && s.queues[l].head != nil }

func (s *lists[O]) push(l list, c *Call[O]) {
	if s.queues == nil {
		s.queues = make([]queue[O], numLists)
	}
	q := &s.queues[l]
	c.latest.in, c.prev, c.next = l, q.tail, nil
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
}

// pop takes the first call out, nil if the list is empty. What it writes to the one
// behind, one thing at each end, lets the machine's memory begin to bring it
// (BenchmarkTable, expire/1000000-mixed).
func (s *lists[O]) pop(l list) *Call[O] {
	if !s.any(l) {
		return nil
	}
	q := &s.queues[l]
	c := q.head
	if q.head = c.next; q.head == nil {
		q.tail = nil
	} else {
		q.head.prev, q.head.latest.in = nil, l
	}
	c.latest.in, c.next = nowhere, nil
	return c
}

// remove takes a call out of the list that it stands in, if any.
func (s *lists[O]) remove(c *Call[O]) {
	if c.latest.in == nowhere {
		return
	}
	q := &s.queues[c.latest.in]
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
	c.latest.in, c.prev, c.next = nowhere, nil, nil
}

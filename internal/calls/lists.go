package calls

// A list is one of the queues that a call can stand in, one at a time: the slots
// of the wheel, and three more.
type list int16

const (
	nowhere  list = iota
	unsent        // in the owner's buffer
	flushing      // being written out
	due           // its deadline has passed
	firstSlot
	numLists = firstSlot + levels*slots
)

// lists are queues, first come first, that a call can also leave from the
// middle: doubly linked through the calls themselves.
type lists[O any] [numLists]struct{ head, tail *Call[O] }

func (s *lists[O]) push(l list, c *Call[O]) {
	q := &s[l]
	c.latest.in, c.prev, c.next = l, q.tail, nil
	if q.tail == nil {
		q.head = c
	} else {
		q.tail.next = c
	}
	q.tail = c
}

// pop takes the first call out, nil if the list is empty.
func (s *lists[O]) pop(l list) *Call[O] {
	c := s[l].head
	if c != nil {
		s.remove(c)
	}
	return c
}

// takeAll empties a list and returns its first call; the others follow by next,
// for the caller to push elsewhere before it does anything else.
func (s *lists[O]) takeAll(l list) *Call[O] {
	first := s[l].head
	s[l].head, s[l].tail = nil, nil
	return first
}

// remove takes a call out of the list that it stands in, if any.
func (s *lists[O]) remove(c *Call[O]) {
	if c.latest.in == nowhere {
		return
	}
	q := &s[c.latest.in]
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

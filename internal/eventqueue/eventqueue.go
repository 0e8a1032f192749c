// Package eventqueue keeps what will happen, in the order in which it will.
package eventqueue

import "time"

// A Queue gives events back by their time, the earliest first, and those of the
// same time by their order. Its zero value is empty.
//
// It is a heap in which each node has four children: it is half as deep as with
// two, and the four lie side by side.
type Queue[T any] struct {
	items []item[T]
}

type item[T any] struct {
	at    time.Duration
	order uint64
	event T
}

func (i *item[T]) before(other *item[T]) bool {
	return i.at < other.at || i.at == other.at && i.order < other.order
}

// Len returns the number of events.
func (q *Queue[T]) Len() int { return len(q.items) }

// Next returns the time of the earliest event; ok is false if there is none.
func (q *Queue[T]) Next() (at time.Duration, ok bool) {
	if len(q.items) == 0 {
		return 0, false
	}
	return q.items[0].at, true
}

// Push adds an event.
func (q *Queue[T]) Push(at time.Duration, order uint64, event T) {
	q.items = append(q.items, item[T]{})
	s, pushed := q.items, item[T]{at, order, event}
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !pushed.before(&s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = pushed
}

// Pop removes the earliest event. The queue must not be empty.
func (q *Queue[T]) Pop() (at time.Duration, event T) {
	s := q.items
	first, last := s[0], s[len(s)-1]
	s[len(s)-1] = item[T]{} // holds no pointer any more
	s = s[:len(s)-1]
	q.items = s
	i := 0
	for {
		least := 4*i + 1
		if least >= len(s) {
			break
		}
		for child := least + 1; child < min(4*i+5, len(s)); child++ {
			if s[child].before(&s[least]) {
				least = child
			}
		}
		if !s[least].before(&last) {
			break
		}
		s[i] = s[least]
		i = least
	}
	if len(s) > 0 {
		s[i] = last
	}
	return first.at, first.event
}

// Clear removes all events.
func (q *Queue[T]) Clear() { q.items = nil }

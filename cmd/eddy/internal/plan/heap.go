package plan

import "time"

// kind is what an event is.
type kind uint8

const (
	arrival kind = iota // a request reaches the callee
	reply               // a reply reaches the caller
	timer               // a call is due
)

// An event is what happens at a time.
type event struct {
	at     time.Duration
	number uint64 // what happens at the same time does so in this order
	index  int32  // of the request, or of the call if it is a timer
	timer  uint32 // which of the call's timers; only the latest counts
	kind   kind
}

func (e *event) before(f *event) bool {
	return e.at < f.at || e.at == f.at && e.number < f.number
}

// A heap has its earliest event first. Each node has four children: half as deep
// as with two, and the four lie side by side. (The simulated network's heap is
// another one: it is of flights, and ten times a second is enough for it.)
type heap struct {
	events []event
	number uint64
}

func (h *heap) push(e event) {
	h.number++
	e.number = h.number
	s := append(h.events, e)
	h.events = s
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = e
}

func (h *heap) pop() event {
	s := h.events
	first, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	h.events = s
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
	return first
}

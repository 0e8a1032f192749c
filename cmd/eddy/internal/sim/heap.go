package sim

import "time"

// A flight is one copy of a message that is in flight.
type flight struct {
	due    time.Duration
	record uint32 // its index in the journal; copies due at the same time are delivered in the order of sending
	epoch  uint32 // how often the receiver had been killed when it was sent
}

func (f *flight) before(g *flight) bool {
	return f.due < g.due || f.due == g.due && f.record < g.record
}

// A heap has its earliest flight first. It is written out, and not
// container/heap, because every message of a test goes through it.
type heap []flight

func (h *heap) push(t flight) {
	s := append(*h, t)
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !t.before(&s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = t
	*h = s
}

func (h *heap) pop() flight {
	s := *h
	first, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	if len(s) == 0 {
		return first
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(s) {
			break
		}
		if down+1 < len(s) && s[down+1].before(&s[down]) {
			down++
		}
		if !s[down].before(&last) {
			break
		}
		s[i] = s[down]
		i = down
	}
	s[i] = last
	return first
}

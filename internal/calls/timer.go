package calls

import (
	"container/heap"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// A timer says when something is to be done for a call.
type timer[O any] struct {
	call *Call[O]
	due  time.Duration
	at   int // its place in the heap, or notSet
}

const notSet = -1

// timers is a heap of timers, the earliest first. There is one timer for each queue of
// timeouts and one for each call with a schedule.
type timers[O any] struct{ heap timerHeap[O] }

// set sets a timer, or sets it to another time.
func (s *timers[O]) set(t *timer[O], due time.Duration) {
	t.due = due
	switch {
	case due == schedule.Never:
		s.stop(t)
	case t.at == notSet:
		heap.Push(&s.heap, t)
	default:
		heap.Fix(&s.heap, t.at)
	}
}

func (s *timers[O]) stop(t *timer[O]) {
	if t.at != notSet {
		heap.Remove(&s.heap, t.at)
	}
}

// first returns the earliest timer, nil if none is set.
func (s *timers[O]) first() *timer[O] {
	if len(s.heap) == 0 {
		return nil
	}
	return s.heap[0]
}

// A timerHeap is a heap.Interface. Of two timers that are due at the same time, the one
// whose call has the lower msg_id is first.
type timerHeap[O any] []*timer[O]

func (h timerHeap[O]) Len() int { return len(h) }

func (h timerHeap[O]) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].call.id < h[j].call.id
}

func (h timerHeap[O]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *timerHeap[O]) Push(x any) {
	t := x.(*timer[O])
	t.at = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap[O]) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.at = notSet
	return t
}

package calls

import (
	"container/heap"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// A timer says when something is to be done for a call.
type timer[O any] struct {
	call  *Call[O]
	queue *timeoutQueue[O] // whose timer it is; nil for that of a call with a schedule
	due   time.Duration
	at    int // its place in the heap, or notSet
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
		s.heap[t.at].due, s.heap[t.at].id = due, t.call.id
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
	return s.heap[0].timer
}

// A timerHeap is a heap.Interface. Of two timers that are due at the same time, the one
// whose call has the lower msg_id is first. Both are in the heap itself, so that comparisons
// read no timer and no call (BenchmarkTable/expire).
type timerHeap[O any] []entry[O]

type entry[O any] struct {
	due   time.Duration
	id    int64
	timer *timer[O]
}

func (h timerHeap[O]) Len() int { return len(h) }

func (h timerHeap[O]) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].id < h[j].id
}

func (h timerHeap[O]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].timer.at, h[j].timer.at = i, j
}

func (h *timerHeap[O]) Push(x any) {
	t := x.(*timer[O])
	t.at = len(*h)
	*h = append(*h, entry[O]{t.due, t.call.id, t})
}

func (h *timerHeap[O]) Pop() any {
	last := len(*h) - 1
	t := (*h)[last].timer
	(*h)[last] = entry[O]{}
	*h = (*h)[:last]
	t.at = notSet
	return t
}

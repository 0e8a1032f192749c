package calls

import (
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
// timeouts and one for each call with a schedule. It does not use container/heap, whose calls
// by an interface take half of the time of a timeout (BenchmarkTable/expire).
type timers[O any] struct{ heap []entry[O] }

// An entry is a timer that is set. Of two timers that are due at the same time, the one whose
// call has the lower msg_id is first. Both are in the heap itself, so that comparisons read
// neither timer nor call.
type entry[O any] struct {
	due   time.Duration
	id    int64
	timer *timer[O]
}

func (e *entry[O]) before(other *entry[O]) bool {
	return e.due < other.due || e.due == other.due && e.id < other.id
}

// first returns the earliest timer, nil if none is set.
func (s *timers[O]) first() *timer[O] {
	if len(s.heap) == 0 {
		return nil
	}
	return s.heap[0].timer
}

// set sets a timer, or sets it to another time.
func (s *timers[O]) set(t *timer[O], due time.Duration) {
	t.due = due
	if due == schedule.Never {
		s.stop(t)
		return
	}
	if t.at == notSet {
		t.at = len(s.heap)
		s.heap = append(s.heap, entry[O]{})
	}
	s.put(t.at, entry[O]{due, t.call.id, t})
}

func (s *timers[O]) stop(t *timer[O]) {
	if t.at == notSet {
		return
	}
	last := len(s.heap) - 1
	moved := s.heap[last]
	s.heap[last] = entry[O]{}
	s.heap = s.heap[:last]
	if t.at != last {
		s.put(t.at, moved)
	}
	t.at = notSet
}

// put puts an entry into a free place, and moves it up or down to where it belongs.
func (s *timers[O]) put(at int, e entry[O]) {
	for at > 0 && e.before(&s.heap[(at-1)/2]) {
		s.move((at-1)/2, at)
		at = (at - 1) / 2
	}
	for {
		child := 2*at + 1
		if child+1 < len(s.heap) && s.heap[child+1].before(&s.heap[child]) {
			child++
		}
		if child >= len(s.heap) || !s.heap[child].before(&e) {
			break
		}
		s.move(child, at)
		at = child
	}
	s.heap[at] = e
	e.timer.at = at
}

func (s *timers[O]) move(from, to int) {
	s.heap[to] = s.heap[from]
	s.heap[to].timer.at = to
}

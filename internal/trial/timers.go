package trial

import (
	"time"

	"github.com/eddyrpc/eddy/internal/eventqueue"
)

// timers are functions to call at their times.
type timers struct {
	queue eventqueue.Queue[func()]
	count uint64 // timers that were ever set
}

func (t *timers) set(at time.Duration, do func()) {
	t.count++
	t.queue.Push(at, t.count, do)
}

func (t *timers) next() (time.Duration, bool) { return t.queue.Next() }

// run calls the functions whose time has come. It returns false if there are none.
func (t *timers) run(now time.Duration) (ran bool) {
	for at, ok := t.queue.Next(); ok && at <= now; at, ok = t.queue.Next() {
		_, do := t.queue.Pop()
		do()
		ran = true
	}
	return ran
}

// clear removes all timers.
func (t *timers) clear() { t.queue.Clear() }

package runner

import (
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/eventqueue"
)

// alarms are things to be done at their time.
type alarms struct {
	queue eventqueue.Queue[func()]
	count uint64 // alarms that were ever set
}

func (a *alarms) set(at time.Duration, do func()) {
	a.count++
	a.queue.Push(at, a.count, do)
}

func (a *alarms) next() (time.Duration, bool) { return a.queue.Next() }

// ring does what is due.
func (a *alarms) ring(now time.Duration) {
	for at, ok := a.queue.Next(); ok && at <= now; at, ok = a.queue.Next() {
		_, do := a.queue.Pop()
		do()
	}
}

// clear forgets all alarms.
func (a *alarms) clear() { a.queue.Clear() }

package runner

import (
	"container/heap"
	"time"
)

// alarms are things to be done at their time.
type alarms struct {
	heap  alarmHeap
	count int64 // that were ever set
}

type alarm struct {
	at    time.Duration
	order int64 // among equals
	do    func()
}

type alarmHeap []alarm

func (h alarmHeap) Len() int { return len(h) }
func (h alarmHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h alarmHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *alarmHeap) Push(x any)   { *h = append(*h, x.(alarm)) }
func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = alarm{}
	*h = (*h)[:last]
	return a
}

func (a *alarms) set(at time.Duration, do func()) {
	a.count++
	heap.Push(&a.heap, alarm{at, a.count, do})
}

func (a *alarms) next() (time.Duration, bool) {
	if len(a.heap) == 0 {
		return 0, false
	}
	return a.heap[0].at, true
}

// ring does what is due.
func (a *alarms) ring(now time.Duration) {
	for len(a.heap) > 0 && a.heap[0].at <= now {
		heap.Pop(&a.heap).(alarm).do()
	}
}

// clear forgets all alarms.
func (a *alarms) clear() { a.heap = nil }

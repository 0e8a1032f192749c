package calls

import (
	"container/heap"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// A Guide is what the table keeps besides of a call that a schedule.Schedule
// decides for, step by step, because its policy is not plain or it has a
// deadline. Few calls have one, so a plain call pays nothing for it but a bit.
type Guide[O any] struct {
	Schedule schedule.Schedule
	Met      []Met           // what each attempt has met, the first one first
	Last     error           // what the last of them in time has met that was over; nil is silence
	Reason   schedule.Reason // why there is no further attempt

	call    *Call[O]
	outside time.Duration // a deadline that somebody else keeps; schedule.Never if none
	due     time.Duration // when the schedule wants to be told; schedule.Never if not
	order   uint64        // of beginning
	at      int           // where it stands in the heap
}

// Met is what an attempt has met so far.
type Met struct {
	Waited time.Duration // until its timeout or its reply
	Err    error         // what its reply said, if that was an error
}

// guides are the calls with a guide, and a heap of those by when they are due.
// The wheel will not do: a call may be due, for its deadline, while its attempt
// waits in the buffer.
type guides[O any] struct {
	of    map[*Call[O]]*Guide[O]
	heap  guideHeap[O]
	begun uint64
}

// Guide is c's, while c is open; nil if it has none.
func (t *Table[O]) Guide(c *Call[O]) *Guide[O] {
	if !c.latest.guided {
		return nil
	}
	return t.guides.of[c]
}

// Begin gives c, which has no attempt yet, a guide, and returns what comes first:
// SendAgain, whereupon its first attempt is Sent; or GiveUp, and c is not open.
// kept means that the owner keeps the start's deadline and removes the call then,
// so that it can tell why: the guide only does so if it has not a millisecond later.
func (t *Table[O]) Begin(c *Call[O], start schedule.Start, kept bool) schedule.Decision {
	s := &t.guides
	s.begun++
	g := &Guide[O]{call: c, order: s.begun, outside: schedule.Never}
	if kept {
		g.outside = start.Deadline
	}
	next := g.Schedule.Begin(c.Policy, start)
	if next.Action == schedule.GiveUp {
		return next
	}
	if s.of == nil {
		s.of = make(map[*Call[O]]*Guide[O])
	}
	c.latest.guided = true
	g.setDue(next.Until)
	s.of[c] = g
	heap.Push(&s.heap, g)
	return next
}

// Answer tells the guide of an open call that the attempt with this id was
// answered: by an error if failed is not nil, which err is. It returns what comes
// next; after Settle and GiveUp the call is out of the table.
func (t *Table[O]) Answer(c *Call[O], id int64, now time.Duration, failed *schedule.Failure, err error) (schedule.Decision, Arrival) {
	g, a := t.Guide(c), c.attemptWith(id)
	n := int(a.number)
	if a.is(told) {
		return schedule.Decision{Action: schedule.Wait}, Stray
	}
	a.state |= told
	arrival := a.arrival(c.Policy)
	var next schedule.Decision
	if failed == nil {
		next = g.Schedule.Reply(now, n, a.Written)
	} else {
		next = g.Schedule.ErrorReply(now, n, a.Written, *failed)
	}
	if arrival != TooLate {
		a.state |= answered
		g.met(n).Err, g.Last = err, err
		if a.Written >= 0 {
			g.met(n).Waited = now - a.Written
		}
	}
	t.follow(g, next)
	return next, arrival
}

// met is what attempt n has met.
func (g *Guide[O]) met(n int) *Met {
	for len(g.Met) < n {
		g.Met = append(g.Met, Met{})
	}
	return &g.Met[n-1]
}

// written tells a guide that its call's latest attempt has been written out.
func (t *Table[O]) written(c *Call[O], now time.Duration) {
	g := t.Guide(c)
	t.follow(g, g.Schedule.Written(now))
}

// dueGuide is a call whose guide has something to do by now, and what; nil if there
// is none.
func (t *Table[O]) dueGuide(now time.Duration) (*Guide[O], schedule.Action) {
	for len(t.guides.heap) > 0 {
		g := t.guides.heap[0]
		if g.due > now {
			break
		}
		next := g.Schedule.Due(now)
		a := &g.call.latest
		if !a.Silent() && !a.Answered() && (next.Action == schedule.Send || g.Schedule.TimedOut()) {
			a.state |= silent
			g.Last = nil
			g.met(int(a.number)).Waited = now - a.Written
		}
		t.follow(g, next)
		if next.Action == schedule.Send || next.Action == schedule.GiveUp {
			return g, next.Action
		}
	}
	return nil, schedule.Wait
}

// follow puts a call where its guide's latest answer says that it belongs.
func (t *Table[O]) follow(g *Guide[O], next schedule.Decision) {
	g.Reason = next.Reason
	switch next.Action {
	case schedule.Settle, schedule.GiveUp:
		t.Remove(g.call)
		return
	case schedule.Send, schedule.Pause:
		t.waiting.lists.remove(g.call) // the attempt before may still be on its way out
	}
	g.setDue(next.Until)
	heap.Fix(&t.guides.heap, g.at)
}

// forget lets go of the guide of a call that is over.
func (t *Table[O]) forget(c *Call[O]) {
	g := t.Guide(c)
	heap.Remove(&t.guides.heap, g.at)
	delete(t.guides.of, c)
}

// setDue lets the guide be told at a time.
func (g *Guide[O]) setDue(at time.Duration) {
	g.due = roundUp(at)
	if at == g.outside && at != schedule.Never {
		g.due += time.Millisecond // by which Go's timers are late, the owner's too
	}
}

// roundUp makes a time a whole tick, as the wheel does: many calls share an alarm.
func roundUp(d time.Duration) time.Duration {
	if d > schedule.Never-tickTime {
		return schedule.Never
	}
	return (d + tickTime - 1) / tickTime * tickTime
}

// guideHeap is a heap.Interface: what is due first comes first, and of what is
// due together the call that began first.
type guideHeap[O any] []*Guide[O]

func (h guideHeap[O]) Len() int { return len(h) }

func (h guideHeap[O]) Less(i, j int) bool {
	return h[i].due < h[j].due || h[i].due == h[j].due && h[i].order < h[j].order
}

func (h guideHeap[O]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *guideHeap[O]) Push(x any) {
	g := x.(*Guide[O])
	g.at = len(*h)
	*h = append(*h, g)
}

func (h *guideHeap[O]) Pop() any {
	last := len(*h) - 1
	g := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return g
}

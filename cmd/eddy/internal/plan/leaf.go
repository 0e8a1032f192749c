package plan

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// A leaf serves requests in the order in which they arrive, one at a time. When a
// request arrives, everything before it is decided. So the leaf knows at once when it
// will serve the request, and needs no event for that.
type leaf struct {
	service time.Duration // of each request; 0 if the leaf is never busy
	limit   int           // of requests that wait; 0 if there is none
	outage  Window

	free   time.Duration   // when it has served all requests
	starts []time.Duration // when it begins to serve those that may still wait, in order; only with a limit
	begun  int             // how many of starts wait no longer
}

func newLeaf(m *Model) leaf {
	l := leaf{limit: m.Queue, outage: m.Outage}
	if m.Capacity > 0 {
		l.service = time.Duration(min(max(float64(time.Second)/m.Capacity, 1), float64(endOfTime)))
	}
	return l
}

// A serving is what happens to a request.
type serving struct {
	begin, end time.Duration
	fate       fate
}

type fate uint8

const (
	served  fate = iota
	refused      // the queue is full
	expired      // its deadline passed while it waited
	waiting      // it waits until the end of time
)

// endOfTime is later than all times of a simulation. Adding to it does not overflow.
const endOfTime = schedule.Never / 8

// arrive returns what happens to a request that arrives now with a deadline. Times must
// not run backward, unless the leaf is never busy.
func (l *leaf) arrive(now, deadline time.Duration) serving {
	if l.service == 0 {
		return l.serve(now, deadline)
	}
	for l.begun < len(l.starts) && l.starts[l.begun] <= now {
		l.begun++
	}
	if l.begun > 1024 && l.begun > len(l.starts)/2 {
		l.starts = l.starts[:copy(l.starts, l.starts[l.begun:])]
		l.begun = 0
	}
	if l.limit > 0 && len(l.starts)-l.begun >= l.limit {
		return serving{begin: now, end: now, fate: refused}
	}
	s := l.serve(max(now, l.free), deadline)
	if l.limit > 0 { // a request that will expire takes up a place, too, until its turn comes
		l.starts = append(l.starts, s.begin)
	}
	if s.fate == served {
		l.free = s.end
	}
	return s
}

// serve returns what happens to a request whose turn comes at a time.
func (l *leaf) serve(turn, deadline time.Duration) serving {
	if l.outage.holds(turn) {
		turn = l.outage.end()
	}
	if turn >= deadline {
		return serving{begin: turn, end: turn, fate: expired}
	}
	if turn >= endOfTime {
		return serving{begin: turn, end: turn, fate: waiting}
	}
	end := turn + l.service
	if turn < l.outage.From && end > l.outage.From { // the outage interrupts it
		end += l.outage.For
	}
	return serving{begin: turn, end: end}
}

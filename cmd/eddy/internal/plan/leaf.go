package plan

import (
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
)

// A leaf serves requests in the order in which they arrive, one at a time. When
// one arrives, all that is before it is settled; so its own time of service is
// known at once, and no event is needed for it.
type leaf struct {
	service time.Duration // for each; 0 if it is never busy
	limit   int           // how many may wait; 0 is any number
	outage  Window

	free   time.Duration   // when it has done all that it has
	starts []time.Duration // of those that may still wait, in order; only of account with a limit
	gone   int             // how many of starts do no longer
}

func newLeaf(m *Model) leaf {
	l := leaf{limit: m.Queue, outage: m.Outage}
	if m.Capacity > 0 {
		l.service = time.Duration(min(max(float64(time.Second)/m.Capacity, 1), float64(endOfTime)))
	}
	return l
}

// A serving is what becomes of a request.
type serving struct {
	begin, end time.Duration
	fate       fate
}

type fate uint8

const (
	served  fate = iota
	refused      // the queue is full
	expired      // its deadline had passed when its turn came
	waiting      // until the end of time
)

// endOfTime is later than anything that is simulated, and can be added to.
const endOfTime = schedule.Never / 8

// arrive is told of a request that arrives now and is worth nothing any more
// from its deadline on. Times must not run backward if the leaf is ever busy.
func (l *leaf) arrive(now, deadline time.Duration) serving {
	if l.service == 0 {
		return l.serve(now, deadline)
	}
	for l.gone < len(l.starts) && l.starts[l.gone] <= now {
		l.gone++
	}
	if l.gone > 1024 && l.gone > len(l.starts)/2 {
		l.starts = l.starts[:copy(l.starts, l.starts[l.gone:])]
		l.gone = 0
	}
	if l.limit > 0 && len(l.starts)-l.gone >= l.limit {
		return serving{begin: now, end: now, fate: refused}
	}
	s := l.serve(max(now, l.free), deadline)
	if l.limit > 0 { // what will be dropped, too, takes its place until its turn comes
		l.starts = append(l.starts, s.begin)
	}
	if s.fate == served {
		l.free = s.end
	}
	return s
}

// serve serves a request whose turn comes at a time.
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
	if turn < l.outage.From && end > l.outage.From { // held in the middle of it
		end += l.outage.For
	}
	return serving{begin: turn, end: end}
}

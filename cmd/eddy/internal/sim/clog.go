package sim

import (
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/eventqueue"
)

// A clogged link holds what is on it, and lets it go when the clog ends, in the
// order of sending, before anything that is sent later. As with a partition, a
// message is on the link when it is due: one that is due only after the end is
// not held, and comes at its time.
//
// A slow link delays each message for itself. Behind a clog requests, their
// retries and replies pile up, and come all at once.

// isClogged says whether a clog is on a link.
func (n *Network) isClogged(src, dest *end) bool {
	for i := range n.faults {
		if o := &n.faults[i]; o.fault.Kind == Clog && o.touches(src, dest) {
			return true
		}
	}
	return false
}

// unclog puts all that is held back on its way. What another clog touches is
// held again as soon as it is looked at.
func (n *Network) unclog(now time.Duration, over *ongoing) {
	// Nobody may have looked yet at what is due by now. It would overtake what
	// was sent before it and is let go now.
	flying := n.flying
	n.flying = eventqueue.Queue[flight]{}
	for flying.Len() > 0 {
		_, f := flying.Pop()
		if row := n.journal.row(int(f.record)); f.due < now && over.touches(n.endAt(row.src), n.endAt(row.dest)) {
			f.due = now
		}
		n.takeOff(f)
	}
	for _, f := range n.held {
		f.due = now
		n.takeOff(f)
	}
	n.held = nil
}

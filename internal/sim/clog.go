package sim

import (
	"time"

	"github.com/eddyrpc/eddy/internal/eventqueue"
)

// A clogged link holds messages back until the clog ends. Then it delivers them in
// the order of sending, before any message that is sent later. As with a partition,
// the moment when a message is due decides: a message that is due after the end of
// the clog is not held back.
//
// A slow link delays each message by the same time. Behind a clog, requests,
// retries and replies gather and arrive all at once.

// isClogged reports whether a clog affects a link.
func (n *Network) isClogged(src, dest *endpoint) bool {
	for i := range n.faults {
		if o := &n.faults[i]; o.fault.Kind == Clog && o.affects(src, dest) {
			return true
		}
	}
	return false
}

// unclog makes all messages that are held back due now. Due holds those back again
// that another clog affects.
func (n *Network) unclog(now time.Duration, over *ongoing) {
	// Messages that became due since Due was last called are not in held. They
	// become due now, too, so that they do not overtake messages that were sent
	// before them.
	flying := n.flying
	n.flying = eventqueue.Queue[flight]{}
	for flying.Len() > 0 {
		_, f := flying.Pop()
		if row := n.journal.row(int(f.record)); f.due < now && over.affects(n.endpointAt(row.src), n.endpointAt(row.dest)) {
			f.due = now
		}
		n.push(f)
	}
	for _, f := range n.held {
		f.due = now
		n.push(f)
	}
	n.held = nil
}

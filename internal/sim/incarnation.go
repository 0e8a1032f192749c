package sim

import (
	"time"

	"github.com/eddyrpc/eddy/internal/message"
)

// Killed records that a node was killed. Messages in flight to it are lost, and so
// are messages that arrive before it is started again.
func (n *Network) Killed(node string, now time.Duration) {
	e := n.endpoint(node)
	e.down = true
	e.epoch++
	n.journal.event(Event{At: now, What: "killed", Node: node})
}

// Started records that a node's process has started. Incarnations count from 1. A
// node that was never started counts as running, in its first incarnation.
func (n *Network) Started(node string, incarnation int, now time.Duration) {
	e := n.endpoint(node)
	e.down = false
	e.incarnation = incarnation
	n.journal.event(Event{At: now, What: "started", Node: node, Incarnation: incarnation})
}

// openRequests counts the delivered copies of a request that have no reply yet.
type openRequests struct {
	epoch          uint32 // of the requester, when a copy was last delivered
	current, stale uint16 // sent by the requester's current incarnation, and by earlier ones
}

// A requestKey identifies a request by its requester, the epoch of its receiver and
// its id. It does not contain the requester's incarnation: a node numbers its
// messages from 0 again after a restart, so two incarnations may send the same id.
type requestKey struct {
	requester, receiver, epoch uint32
	id                         int64
}

func keyOf(requester, receiver *endpoint, id int64) requestKey {
	return requestKey{requester.number, receiver.number, receiver.epoch, id}
}

// requestDelivered records that a node's request was delivered. The requester may
// have been killed since it sent the request.
func (n *Network) requestDelivered(m *Record, src, dest *endpoint) {
	if src.client || n.config.StaleReplies {
		return
	}
	key := keyOf(src, dest, m.ID)
	open := n.open[key].at(src.epoch)
	if src.down || m.Incarnation != src.incarnation {
		open.stale++
	} else {
		open.current++
	}
	n.open[key] = open
}

// at returns the counts at an epoch of the requester. If it was killed meanwhile,
// all its requests are stale.
func (o openRequests) at(epoch uint32) openRequests {
	if o.epoch != epoch {
		return openRequests{epoch: epoch, stale: o.stale + o.current}
	}
	return o
}

// isStale reports whether a reply is to a request of an earlier incarnation of its
// receiver. If the current incarnation sent a request with the same id, too, the
// first reply is taken as the reply to the earlier one.
func (n *Network) isStale(m *message.Message, src, dest *endpoint) bool {
	key := keyOf(dest, src, m.InReplyTo)
	open, found := n.open[key]
	if !found {
		return false
	}
	open = open.at(dest.epoch)
	stale := open.stale > 0
	switch {
	case stale:
		open.stale--
	case open.current > 0:
		open.current--
	}
	if open.current == 0 && open.stale == 0 {
		delete(n.open, key)
	} else {
		n.open[key] = open
	}
	return stale
}

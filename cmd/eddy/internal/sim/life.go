package sim

import (
	"time"

	"github.com/eddyrpc/eddy/internal/message"
)

// Killed says that a node has just been killed: what is in flight to it is
// lost, and so is what comes until it is started again.
func (n *Network) Killed(node string, now time.Duration) {
	e := n.end(node)
	e.down = true
	e.epoch++
	n.journal.event(Event{At: now, What: "killed", Node: node})
}

// Started says that a node's process has started, for the life-th time, the
// first being 0. A node that nobody has started counts as running.
func (n *Network) Started(node string, life int, now time.Duration) {
	e := n.end(node)
	e.down = false
	e.life = life
	n.journal.event(Event{At: now, What: "started", Node: node, Life: life})
}

// asked counts delivered copies of a request that have not been answered.
type asked struct {
	epoch       uint32 // of the asker, when it last asked
	open, stale uint16 // by that life, and by earlier ones
}

// A question is a request's id, who asked, and which life of whom was asked.
// After a restart a node counts its ids from 0 again, so two lives of it may
// have put the same question.
type question struct {
	asker, other, epoch uint32
	id                  int64
}

func questionOf(asker, other *end, id int64) question {
	return question{asker.number, other.number, other.epoch, id}
}

// note remembers that a request of a node has been delivered. Its sender may
// have died since it was sent.
func (n *Network) note(m *Record, src, dest *end) {
	if src.client || n.config.StaleReplies {
		return
	}
	q := questionOf(src, dest, m.ID)
	a := n.asked[q].in(src.epoch)
	if src.down || m.Life != src.life {
		a.stale++
	} else {
		a.open++
	}
	n.asked[q] = a
}

func (a asked) in(epoch uint32) asked {
	if a.epoch != epoch {
		return asked{epoch: epoch, stale: a.stale + a.open}
	}
	return a
}

// isStale says whether a reply answers an earlier life of its receiver. If both
// an earlier and this life asked under that id, the first reply is taken to be
// for the earlier one.
func (n *Network) isStale(m *message.Message, src, dest *end) bool {
	q := questionOf(dest, src, m.InReplyTo)
	a, found := n.asked[q]
	if !found {
		return false
	}
	a = a.in(dest.epoch)
	stale := a.stale > 0
	switch {
	case stale:
		a.stale--
	case a.open > 0:
		a.open--
	}
	if a.open == 0 && a.stale == 0 {
		delete(n.asked, q)
	} else {
		n.asked[q] = a
	}
	return stale
}

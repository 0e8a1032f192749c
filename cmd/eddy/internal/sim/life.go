package sim

import "time"

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

// A question is a request's id at a life of the one who was asked. After a
// restart a node counts its ids from 0 again, so the same question may have
// been put by two lives of it.
type question struct {
	asker, asked pair // number and epoch
	id           int64
}

// asked counts delivered copies that have not been answered.
type asked struct {
	epoch       uint32 // of the asker, when it last asked
	open, stale uint32 // by that life, and by earlier ones
}

func questionOf(asker, other *end, id int64) question {
	return question{pair{asker.number, 0}, pair{other.number, other.epoch}, id}
}

// note remembers that a request of a node has been delivered.
func (n *Network) note(m *Message, src, dest *end) {
	if src.client || n.config.StaleReplies {
		return
	}
	q := questionOf(src, dest, m.ID)
	a := n.asked[q]
	if a == nil {
		a = &asked{epoch: src.epoch}
		n.asked[q] = a
	}
	a.turn(src.epoch)
	a.open++
}

func (a *asked) turn(epoch uint32) {
	if a.epoch != epoch {
		a.epoch, a.stale, a.open = epoch, a.stale+a.open, 0
	}
}

// isStale says whether a reply answers an earlier life of its receiver. If both
// an earlier and this life asked under that id, the first reply is taken to be
// for the earlier one.
func (n *Network) isStale(m *Message, src, dest *end) bool {
	a := n.asked[questionOf(dest, src, m.InReplyTo)]
	if a == nil {
		return false
	}
	a.turn(dest.epoch)
	if a.stale > 0 {
		a.stale--
		return true
	}
	if a.open > 0 {
		a.open--
	}
	return false
}

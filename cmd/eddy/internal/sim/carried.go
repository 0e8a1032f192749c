package sim

import "time"

// Over makes messages that the network would hand out go over another one, a real
// one: carry is given each, and Arrived is told when it has come. So loss, latency
// and faults of this network come first, and what the other does comes on top.
// What is carried is in flight.
func (n *Network) Over(carry func(*Record)) {
	n.carry = carry
	n.carried = map[uint32]carriage{}
}

// A carriage is one copy of a message on its way over the other network.
type carriage struct {
	turn  int    // it was carried as the turn-th of all
	epoch uint32 // as a flight's
}

// Turn is how many copies have been given to the other network so far.
func (n *Network) Turn() int { return n.turns }

func (n *Network) carryOn(f flight) {
	n.carried[f.record] = carriage{n.turns, f.epoch}
	n.turns++
	record := n.journal.At(int(f.record))
	n.carry(&record)
}

// Arrived says that a copy has come over the other network. It is false if its
// receiver can't be handed it: it was killed meanwhile, or has been handed it, or
// the copy was given up.
func (n *Network) Arrived(now time.Duration, record int) (Delivery, bool) {
	c, known := n.carried[uint32(record)]
	if !known {
		return Delivery{}, false
	}
	delete(n.carried, uint32(record))
	dest := n.endAt(n.journal.row(record).dest)
	switch {
	case dest.epoch != c.epoch:
		n.journal.end(record, now, Killed)
	case dest.down:
		n.journal.end(record, now, Down)
	default:
		return n.handOut(now, record, now), true
	}
	return Delivery{}, false
}

// Vanish gives up the copies of the first turns that have not arrived, and returns
// how many they are. Nobody knows when they were lost; the journal has them as lost
// when they were sent.
func (n *Network) Vanish(turns int) (lost int) {
	for record, c := range n.carried {
		if c.turn < turns {
			delete(n.carried, record)
			n.journal.end(int(record), n.journal.row(int(record)).sent, Vanished)
			lost++
		}
	}
	return lost
}

// Whole says that all servers of the other network carry messages again, after
// faults of theirs.
func (n *Network) Whole(now time.Duration) { n.journal.event(Event{At: now, What: "whole"}) }

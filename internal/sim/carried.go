package sim

import "time"

// SetCarrier sends messages over another, real network once this one has let them
// through: Due calls carry for each message instead of returning it, and the
// caller calls Arrived when the message comes out of the other network. So the
// loss, latency and faults of this network come first, and those of the other
// network are added. A carried message is in flight.
func (n *Network) SetCarrier(carry func(*Record)) {
	n.carry = carry
	n.carried = map[uint32]carriedCopy{}
}

// A carriedCopy is one copy of a message that the carrier has and that has not
// arrived.
type carriedCopy struct {
	number int    // how many copies were given to the carrier before this one
	epoch  uint32 // as in a flight
}

// CarriedCount is how many copies were given to the carrier so far.
func (n *Network) CarriedCount() int { return n.carriedCount }

func (n *Network) giveToCarrier(f flight) {
	n.carried[f.record] = carriedCopy{n.carriedCount, f.epoch}
	n.carriedCount++
	record := n.journal.At(int(f.record))
	n.carry(&record)
}

// Arrived records that a copy has arrived over the carrier. It returns false if
// the copy must not be delivered: its receiver was killed after it was sent, it was
// delivered before, or it was given up by LoseCarried.
func (n *Network) Arrived(now time.Duration, record int) (Delivery, bool) {
	c, known := n.carried[uint32(record)]
	if !known {
		return Delivery{}, false
	}
	delete(n.carried, uint32(record))
	dest := n.endpointAt(n.journal.row(record).dest)
	switch {
	case dest.epoch != c.epoch:
		n.journal.end(record, now, Killed)
	case dest.down:
		n.journal.end(record, now, Down)
	default:
		return n.deliver(now, record, now), true
	}
	return Delivery{}, false
}

// LoseCarried gives up those of the first count carried copies that have not
// arrived, and returns their number. When they were lost is not known. In the
// journal they are lost at the time when they were sent.
func (n *Network) LoseCarried(count int) (lost int) {
	for record, c := range n.carried {
		if c.number < count {
			delete(n.carried, record)
			n.journal.end(int(record), n.journal.row(int(record)).sent, LostByCarrier)
			lost++
		}
	}
	return lost
}

// ServersRecovered records that, after faults of the carrier's servers, all of them
// deliver messages again.
func (n *Network) ServersRecovered(now time.Duration) {
	n.journal.event(Event{At: now, What: "servers-recovered"})
}

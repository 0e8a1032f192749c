package checker

import (
	"math"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// Recovery is how long after its end a fault may still affect nodes: they detect
// its end, wait for a retry, or elect a leader.
const Recovery = 2 * time.Second

// FaultPeriods are the periods in which a fault affected the network or a process,
// each extended by Recovery.
type FaultPeriods []span

// FaultPeriodsOf returns the fault periods of a journal. Random loss is one period
// from the first to the last lost message, because its effect on nodes is that of a
// fault. A fault of servers lasts until all servers have recovered. A message that
// the carrier lost is a separate period.
func FaultPeriodsOf(j *sim.Journal) FaultPeriods {
	var all FaultPeriods
	begun := map[int]int{} // by fault, the index of its period
	var servers []int      // the indices of the periods of server faults that have not recovered
	for _, e := range j.Events() {
		i, known := begun[e.Fault]
		switch {
		case e.What == "begin":
			begun[e.Fault] = len(all)
			if e.Begun.IsServerFault() {
				servers = append(servers, len(all))
				delete(begun, e.Fault)
			}
			all = append(all, span{e.At, math.MaxInt64})
		case e.What == "end" && known:
			all[i].to = e.At + Recovery
		case e.What == "servers-recovered":
			for _, i := range servers {
				all[i].to = e.At + Recovery
			}
			servers = nil
		}
	}
	return append(all, lossPeriods(j)...)
}

// lossPeriods returns the periods in which messages were lost.
func lossPeriods(j *sim.Journal) (all []span) {
	linkLoss := span{from: math.MaxInt64}
	for m := range j.All() {
		switch last := len(all) - 1; {
		case m.Fate == sim.LostByLink:
			linkLoss.from, linkLoss.to = min(linkLoss.from, m.Sent), m.Sent+Recovery
		case m.Fate != sim.LostByCarrier:
		case last >= 0 && m.Sent <= all[last].to:
			all[last].to = m.Sent + Recovery
		default:
			all = append(all, span{m.Sent, m.Sent + Recovery})
		}
	}
	if linkLoss.to > 0 {
		all = append(all, linkLoss)
	}
	return all
}

// Overlap reports whether a fault period overlaps the period between two times.
func (p FaultPeriods) Overlap(from, to time.Duration) bool {
	for _, s := range p {
		if s.from <= to && s.to >= from {
			return true
		}
	}
	return false
}

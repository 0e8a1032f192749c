package checker

import (
	"math"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// Recovery is how long after a fault what nodes do may still be its doing: they
// find out, wait for a retry, choose a leader.
const Recovery = 2 * time.Second

// Troubles are the times at which something was wrong with the network or with
// a process, and Recovery after each.
type Troubles []span

// TroublesOf reads them from a journal. Messages that a link lost count as a
// trouble that lasts from the first of them to the last: whether a fault was
// asked for on the command line or by a nemesis is the same to a node. A fault of
// servers lasts until all of them carry messages again; a message that they lost is
// a trouble of its own.
func TroublesOf(j *sim.Journal) Troubles {
	var all Troubles
	begun := map[int]int{} // the span of each fault
	var broken []int       // the spans of faults of servers that are not whole yet
	for _, e := range j.Events() {
		i, known := begun[e.Fault]
		switch {
		case e.What == "begin":
			begun[e.Fault] = len(all)
			if e.Begun.IsServerFault() {
				broken = append(broken, len(all))
				delete(begun, e.Fault)
			}
			all = append(all, span{e.At, math.MaxInt64})
		case e.What == "end" && known:
			all[i].to = e.At + Recovery
		case e.What == "servers-recovered":
			for _, i := range broken {
				all[i].to = e.At + Recovery
			}
			broken = nil
		}
	}
	return append(all, lossesOf(j)...)
}

// lossesOf are the times at which messages were lost.
func lossesOf(j *sim.Journal) (all []span) {
	lossy := span{from: math.MaxInt64}
	for m := range j.All() {
		switch last := len(all) - 1; {
		case m.Fate == sim.LostByLink:
			lossy.from, lossy.to = min(lossy.from, m.Sent), m.Sent+Recovery
		case m.Fate != sim.LostByCarrier:
		case last >= 0 && m.Sent <= all[last].to:
			all[last].to = m.Sent + Recovery
		default:
			all = append(all, span{m.Sent, m.Sent + Recovery})
		}
	}
	if lossy.to > 0 {
		all = append(all, lossy)
	}
	return all
}

// Between reports whether anything was wrong at any time from one to another.
func (t Troubles) Between(from, to time.Duration) bool {
	for _, s := range t {
		if s.from <= to && s.to >= from {
			return true
		}
	}
	return false
}

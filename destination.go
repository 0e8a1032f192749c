package eddy

import (
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// A destination is what the calls to one node share. mu of the node guards it.
type destination struct {
	name    string
	address calls.Letter // a letter without a body: a call that will send no second attempt keeps nothing else
	shared  schedule.Destination

	calls, retries, late, failures int64
}

// DestinationStats are the counters of the calls to one node, see
// Node.Destinations.
type DestinationStats struct {
	Calls    int64 // made
	Attempts int64 // messages sent for them
	Retries  int64 // attempts after a call's first
	Late     int64 // replies that came after their attempt's timeout
	Failures int64 // calls that ended without a reply
	Refused  int64 // retries that a policy's budget refused

	// RoundTrip is the smoothed time from when an attempt was written out until
	// its reply was read (SRTT, RFC 6298), 0 before the first.
	RoundTrip time.Duration
}

// Destinations returns the counters of the calls to each node that was called.
// They are kept of 4,096 nodes; one more makes the node forget some other, whose
// counters and estimates begin anew.
func (n *Node) Destinations() map[string]DestinationStats {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make(map[string]DestinationStats, len(n.dests))
	for name, d := range n.dests {
		roundTrip, _ := d.shared.Estimator.RoundTrip()
		all[name] = DestinationStats{
			Calls: d.calls, Attempts: d.calls + d.retries, Retries: d.retries,
			Late: d.late, Failures: d.failures,
			Refused: int64(d.shared.Window.Refused()), RoundTrip: roundTrip,
		}
	}
	return all
}

// destination is the one of this name. mu is held.
func (n *Node) destination(name string) *destination {
	if d := n.latestDest; d != nil && d.name == name {
		return d
	}
	d := n.dests[name]
	if d == nil {
		d = n.newDestination(name)
	}
	n.latestDest = d
	return d
}

func (n *Node) newDestination(name string) *destination {
	if n.dests == nil {
		n.dests = make(map[string]*destination)
	}
	for other := range n.dests {
		if len(n.dests) < maxNames {
			break
		}
		delete(n.dests, other)
	}
	d := &destination{address: calls.Letter(calls.AppendDest(nil, name))}
	d.name = d.address.Dest()
	n.dests[d.name] = d
	return d
}

// count counts a reply. mu is held.
func (n *Node) count(a calls.Arrival, src string) {
	switch a {
	case calls.Late, calls.TooLate:
		n.stats.Late++
		n.destination(src).late++
	case calls.Stray:
		n.stats.Strays++
	}
}

// sample learns how long the reply to a plain call's attempt took; nil is none. mu
// is held.
func (n *Node) sample(a *calls.Attempt, src string) {
	if a != nil && a.Written >= 0 { // or it was quicker than our Write
		n.destination(src).shared.Estimator.Sample(n.reader.readAt - a.Written)
	}
}

package eddy

import "time"

// Stats are counters of a node since its start, and two gauges.
type Stats struct {
	In, Out  int64 // messages read and written, bad lines not counted
	BadLines int64 // lines that were no message
	Dropped  int64 // one-way messages that no handler saw: of an unknown type, too early, too late, too many
	Expired  int64 // messages whose deadline had passed before a handler could begin

	Calls    int64 // that began
	Attempts int64 // messages sent for them
	Retries  int64 // attempts after the first one of a call
	Failures int64 // calls that ended without a reply
	Refused  int64 // retries that the budget of a policy refused

	Late   int64 // replies that came after their attempt's timeout, whether or not they settled their call
	Strays int64 // replies that no open call waited for: late, duplicated, or from a node that was not asked

	OpenCalls    int64 // now
	OpenRequests int64 // now, one-way messages included, the one in an inline handler not

	LogDropped int64 // lines of the default log that standard error did not take in time
}

// Stats returns the counters.
func (n *Node) Stats() Stats {
	n.out.Lock()
	defer n.out.Unlock()
	c := n.calls.Table.Stats
	s := Stats{In: n.in.Load(), Out: n.out.Added()}
	s.BadLines, s.Dropped, s.Expired = n.badLines.Load(), n.dropped.Load(), n.expired.Load()
	s.Calls, s.Attempts, s.Retries, s.Failures = c.Calls, c.Attempts, c.Retries, c.Failures
	s.Late, s.Strays, s.Refused = c.Late, c.Strays, int64(n.calls.Budget.Refused())
	s.OpenCalls, s.OpenRequests = int64(n.calls.Table.Open()), n.requests
	if n.logQueue != nil {
		s.LogDropped = n.logQueue.Dropped()
	}
	return s
}

// DestinationStats are the counters of the calls to one node, see Node.Destinations.
type DestinationStats struct {
	Calls    int64 // that began
	Attempts int64 // messages sent for them
	Retries  int64 // attempts after the first one of a call
	Late     int64 // replies that came after their attempt's timeout
	Failures int64 // calls that ended without a reply
	Refused  int64 // retries that the budget of a policy refused

	// RoundTrip is the smoothed time from when an attempt was written until its reply
	// was read (SRTT of RFC 6298), 0 before the first reply.
	RoundTrip time.Duration
}

// Destinations returns the counters of the calls to each node that was called. A node
// keeps them for at most 4,096 names, which have at most 1 MiB together. Beyond that it
// forgets another name, whose counters and estimates then start again.
func (n *Node) Destinations() map[string]DestinationStats {
	n.out.Lock()
	defer n.out.Unlock()
	peers := n.calls.Table.Peers()
	all := make(map[string]DestinationStats, len(peers))
	for name, p := range peers {
		roundTrip, _ := p.Shared.Estimator.RoundTrip()
		all[name] = DestinationStats{
			Calls: p.Calls, Attempts: p.Calls + p.Retries, Retries: p.Retries,
			Late: p.Late, Failures: p.Failures,
			Refused: int64(p.Shared.Window.Refused()), RoundTrip: roundTrip,
		}
	}
	return all
}

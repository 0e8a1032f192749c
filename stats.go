package eddy

// Stats are a node's counters since it was started.
type Stats struct {
	In, Out  int64 // messages read and written, bad lines not counted
	BadLines int64 // lines that were no message
	Dropped  int64 // one-way messages that no handler has seen: of an unknown type, too early, too many, too late
	Expired  int64 // messages whose deadline_ms had passed before a handler could begin

	Calls    int64 // made
	Attempts int64 // messages sent for them
	Retries  int64 // attempts after a call's first
	Failures int64 // calls that ended without a reply
	Refused  int64 // retries that a policy's budget refused

	Late   int64 // replies that came after their attempt's timeout, whether or not they settled their call
	Strays int64 // replies that no open call asked for: their call is over, duplicates, a stranger's

	LogDropped int64 // lines of the log that standard error did not take in time
}

// Stats returns the counters. Calls that are still open are in Calls and
// Attempts only.
func (n *Node) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.stats
	s.In = n.in.Load()
	s.Refused = int64(n.window.Refused())
	if n.logQueue != nil {
		s.LogDropped = n.logQueue.Dropped()
	}
	return s
}

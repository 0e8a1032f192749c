package natsnet

import "sync/atomic"

// Counts are the counters of a connection since it was made.
type Counts struct {
	In, Out    int64 // messages received and sent
	Invalid    int64 // received and dropped: not one message with the src and dest of its subject
	Stale      int64 // replies dropped: an earlier incarnation of the node had sent the request
	Foreign    int64 // lines of the node that were not sent: no message, or the src is not the node's name
	Lost       int64 // messages that arrived faster than they were read
	NoReceiver int64 // messages sent to a node that nobody had joined as
	Unsent     int64 // messages that could not be sent: no server was reached for too long, or they or a name were too long
	Reconnects int64
}

type counters struct {
	in, out, invalid, stale, foreign, noReceiver, unsent atomic.Int64
}

// Counts returns the counters.
func (c *Conn) Counts() Counts {
	n := &c.counters
	return Counts{
		In: n.in.Load(), Out: n.out.Load(), Invalid: n.invalid.Load(), Stale: n.stale.Load(), Foreign: n.foreign.Load(),
		Lost: c.inbox.lost(), NoReceiver: n.noReceiver.Load(), Unsent: n.unsent.Load(),
		Reconnects: c.Reconnects(),
	}
}

// Messages returns how many messages were received and sent.
func (c *Conn) Messages() (in, out int64) { return c.counters.in.Load(), c.counters.out.Load() }

// Reconnects returns how often the connection was made again.
func (c *Conn) Reconnects() int64 { return int64(c.nc.Stats().Reconnects) }

// reasons are the reasons for which messages are dropped or lost.
var reasons = []struct {
	name, meaning string
	count         func(*Counts) int64
}{
	{"invalid", "received, but not one message with the src and dest of its subject", func(c *Counts) int64 { return c.Invalid }},
	{"stale_reply", "replies to requests of an earlier incarnation of the node", func(c *Counts) int64 { return c.Stale }},
	{"foreign_source", "lines of the node that are no message, or whose src is not the node's name", func(c *Counts) int64 { return c.Foreign }},
	{"slow_reader", "messages that arrived faster than the node read them", func(c *Counts) int64 { return c.Lost }},
	{"no_receiver", "messages to a node that nobody had joined as", func(c *Counts) int64 { return c.NoReceiver }},
	{"not_sent", "messages that were too long, or for which no server was connected for too long", func(c *Counts) int64 { return c.Unsent }},
}

// Dropped returns how many messages were dropped or lost, by reason: invalid,
// stale_reply, foreign_source, slow_reader, no_receiver and not_sent.
func (c *Conn) Dropped() map[string]int64 {
	counts := c.Counts()
	all := make(map[string]int64, len(reasons))
	for _, r := range reasons {
		all[r.name] = r.count(&counts)
	}
	return all
}

// Requests returns how many requests were sent to each node. A request is one attempt
// of a call; only the node knows which attempts belong to one call. The counters of some
// nodes start again from 0 when there are more than 10,000 nodes.
func (c *Conn) Requests() map[string]int64 { return c.peers.requests() }

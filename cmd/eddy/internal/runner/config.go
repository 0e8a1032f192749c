// Package runner runs a test: it starts nodes, lets clients ask them through a
// simulated network, makes faults, watches for what no node may do, and hands
// what happened to the checks.
package runner

import (
	"cmp"
	"io"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/workload"
	"github.com/eddyrpc/eddy/internal/message"
)

// A Config is a test.
type Config struct {
	Spec  workload.Spec
	Bin   string
	Args  []string
	Nodes []string

	TimeLimit   time.Duration
	Rate        float64 // operations per second by all clients; see MaxRate
	Concurrency int     // clients that ask at the same time

	Network  sim.Config
	Carrier  Carrier // what messages go over besides; nil for nothing
	Topology string  // see workload.Topologies

	Nemeses  []string      // see Nemeses
	Interval time.Duration // from one nemesis to the next

	Quiesce      time.Duration // the calm before the final phase; less than 0 for as short as the workload allows
	CallTimeout  time.Duration // what a relay promises
	CallAttempts int
	CallBackoff  time.Duration // it may pause so long between two attempts
	IgnoreLate   bool          // it takes no reply after its attempt's timeout

	// ClientTimeout is how long a client waits for an answer that needs no
	// retries, but in the final phase, when it is at least 5 s. 0 means 5 s.
	ClientTimeout time.Duration

	Availability float64 // the least share of operations that end ok

	Dirs, Logs string // directories: for nodes to work in, for what they write to stderr
	MaxLine    int
	QueueLimit int // of the bytes queued for a node; 0 for the default of package cluster

	Stderr io.Writer      // gets what nodes write to stderr, unless nil
	Trace  func(Traffic)  // is told of messages as they pass, unless nil
	Live   func(Progress) // is told some times a second how it goes, unless nil

	finalTimeout, finalPatience time.Duration // replace 5 s and 10 s in tests of this package
}

// MaxRate makes every client ask again as soon as it was answered.
const MaxRate = -1

// Limits that are the same for every test.
const (
	initTimeout   = 10 * time.Second // and perNode for each
	clientTimeout = 5 * time.Second
	finalPatience = 10 * time.Second // how long final answers may take to be right
	stopGrace     = time.Second      // how long a node may go on writing after SIGTERM
	termGrace     = 2 * time.Second  // how long it may live on after SIGTERM
)

// perNode is what each node adds to the time that starting and ending may take:
// all of them do so at once, on as many processors as there are. An interpreter
// needs a tenth of a second of one to start.
const perNode = 200 * time.Millisecond

// initTimeout is how long a process may take to answer init.
func (c *Config) initTimeout() time.Duration {
	return initTimeout + time.Duration(len(c.Nodes))*perNode
}

// endGrace is how long nodes may take to end by themselves once their input has
// ended. Then they get SIGTERM: hardly anybody who comes from Maelstrom, which
// kills nodes, has thought of the end of input, and a node that goes on talking
// to others after it does no harm.
func (c *Config) endGrace() time.Duration {
	return time.Second + time.Duration(len(c.Nodes))*perNode/10
}

// Traffic is one message that a node sent or received.
type Traffic struct {
	At       time.Duration
	Received bool
	Message  *message.Message
}

// Progress is how a test goes.
type Progress struct {
	At                   time.Duration
	OK, Fail, Indefinite int
	Messages             int
	Faults               []string
}

// timeout is how long a client waits: longer than a relay may need.
func (c *Config) timeout(final bool) time.Duration {
	own := c.ClientTimeout
	if final {
		own = max(own, cmp.Or(c.finalTimeout, clientTimeout))
	} else if own <= 0 {
		own = clientTimeout
	}
	return own + time.Duration(c.CallAttempts)*(c.CallTimeout+c.CallBackoff) + 2*longest(&c.Network)
}

// quiesce is how long the calm before the final phase is.
func (c *Config) quiesce() time.Duration {
	switch {
	case c.Quiesce >= 0:
		return c.Quiesce
	case c.Spec.AwaitsMessages:
		return longest(&c.Network)
	}
	return 0
}

// longest is how long nearly every message on the slowest link is on its way.
func longest(c *sim.Config) time.Duration {
	l := max(c.Latency.Longest(), c.ClientLatency.Longest())
	for _, link := range c.Links {
		if link.Latency != nil {
			l = max(l, link.Latency.Longest())
		}
	}
	return l
}

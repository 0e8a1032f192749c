// Package trial runs a test of nodes as a state machine. A [Trial] is told the time and
// what the nodes write. It says what to deliver to which node, when a node is to be
// started, paused or killed, and when it wants to be called again. It has no clock, no
// goroutine, no process and no file. So the same code tests processes in real time and
// nodes in virtual time.
package trial

import (
	"cmp"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
	"github.com/eddyrpc/eddy/retry"
)

// GoTest is the program of nodes that are tested in go test.
const GoTest = "go test"

// A Config describes a test.
type Config struct {
	Spec  workload.Spec
	Bin   string // the program of the nodes; the trial itself does not use it
	Nodes []string

	TimeLimit   time.Duration
	Rate        float64 // operations per second of all clients; see MaxRate
	Concurrency int     // the number of clients

	Network  sim.Config
	Topology string // see workload.Topologies

	Nemeses  []string      // names of sim.Kinds
	Interval time.Duration // see sim.PlanConfig

	Quiesce      time.Duration // the wait before the final phase; negative for as short as the workload allows
	CallTimeout  time.Duration // of each attempt of a relay
	CallAttempts int           // of a relay
	Txn          workload.TxnConfig
	CallBackoff  time.Duration // how long a relay may pause between two attempts
	IgnoreLate   bool          // a relay ignores replies that arrive after their attempt's timeout
	CallPolicy   *retry.Policy // unless nil, says more about relays; the fields above agree with it

	// ClientTimeout is how long a client waits for a reply that needs no calls. In
	// the final phase it waits for at least 5 s. 0 means 5 s.
	ClientTimeout time.Duration

	// FinalClientTimeout is how long a client waits at least in the final phase, and
	// FinalTimeout how long the final requests are repeated. 0 means 5 s and 10 s.
	FinalClientTimeout, FinalTimeout time.Duration

	Sick         Sick
	Availability float64 // the minimum share of operations that must end ok

	// Case, unless nil, is what happens, instead of what the seed and the fields above
	// draw: see Case.Apply.
	Case *Case

	// Virtual reports that time is virtual: no line of a node is read late.
	Virtual bool

	Trace      func(Traffic)  // unless nil, is called with every message of a node
	OnProgress func(Progress) // unless nil, is called several times per second
}

// A Sick says what violations of the protocol mean for the verdict. "" is SickWarn.
type Sick string

const (
	SickWarn    Sick = "warn"    // violations make it fail; oddities between nodes are warnings
	SickFail    Sick = "fail"    // so do oddities between nodes
	SickUnknown Sick = "unknown" // violations make it unknown
	SickReport  Sick = "report"  // both are warnings, except where answers are wrong or missing
	SickIgnore  Sick = "ignore"  // both are warnings: the history alone is judged
)

// FollowPolicy sets what relays do to what a policy says.
func (c *Config) FollowPolicy(p *retry.Policy) {
	c.CallPolicy = p
	c.CallTimeout, c.CallAttempts = p.AttemptTimeout(1), p.MaxAttempts()
	c.CallBackoff, c.IgnoreLate = workload.LongestPause(p), p.Late == retry.Ignore
}

// MaxRate makes every client send its next request as soon as an operation ends.
const MaxRate = -1

// Limits that are the same for every test.
const (
	initTimeout   = 10 * time.Second // plus perNode for each node
	clientTimeout = 5 * time.Second
	finalTimeout  = 10 * time.Second       // how long the final requests are repeated
	finalWait     = 100 * time.Millisecond // until they are repeated first; each further wait is a quarter longer
	pauseBacklog  = 10 * time.Second       // how long a node may take to read what was sent to it during a pause
	stopGrace     = time.Second            // how long a node may write output after SIGTERM

	TermGrace = 2 * time.Second // how long after SIGTERM a node gets SIGKILL
)

// perNode is how much each node adds to the time that starting may take, because all
// nodes start at the same time and share the processors. An interpreter needs 0.1 s
// of a processor to start.
const perNode = 200 * time.Millisecond

// initTimeout is how long a process may take to reply to init.
func (c *Config) initTimeout() time.Duration {
	return initTimeout + time.Duration(len(c.Nodes))*perNode
}

// EndGrace is how long nodes may take to end by themselves after the end of their
// input. Then they get SIGTERM. Not ending by itself is not a violation: Maelstrom kills
// nodes, so that many nodes ignore the end of their input.
func (c *Config) EndGrace() time.Duration {
	return time.Second + time.Duration(len(c.Nodes))*perNode/10
}

// Traffic is one message that a node sent or received.
type Traffic struct {
	At       time.Duration
	Received bool
	Message  *message.Message
}

// Progress describes a running test.
type Progress struct {
	At                   time.Duration
	OK, Fail, Indefinite int
	Messages             int
	Faults               []string
}

// timeout is how long a client waits for a reply. It is longer than a relay needs.
func (c *Config) timeout(final bool) time.Duration {
	own := c.ClientTimeout
	if final {
		own = max(own, cmp.Or(c.FinalClientTimeout, clientTimeout))
	} else if own <= 0 {
		own = clientTimeout
	}
	call := time.Duration(c.CallAttempts) * (c.CallTimeout + c.CallBackoff)
	if c.CallPolicy != nil {
		call = schedule.MaxDuration(c.CallPolicy)
	}
	return own + call + 2*maxLatency(&c.Network)
}

// quiesce is how long the test waits before the final phase.
func (c *Config) quiesce() time.Duration {
	switch {
	case c.Quiesce >= 0:
		return c.Quiesce
	case c.Spec.AwaitsMessages:
		return maxLatency(&c.Network)
	}
	return 0
}

// maxLatency returns the latency that almost no message exceeds, on the slowest link.
func maxLatency(c *sim.Config) time.Duration {
	l := max(c.Latency.Longest(), c.ClientLatency.Longest())
	for _, link := range c.Links {
		if link.Latency != nil {
			l = max(l, link.Latency.Longest())
		}
	}
	return l
}

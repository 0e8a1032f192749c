package checker

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

// RelayConfig is what relays under test promise.
type RelayConfig struct {
	// Nodes are the relays. What others send is nobody's duty.
	Nodes []string

	// Timeout and Attempts are of every call whose request sets no timeout_ms
	// and max_retries.
	Timeout  time.Duration
	Attempts int

	// IgnoreLate says that the relays promise to drop replies that come after
	// their attempt's timeout.
	IgnoreLate bool

	// Backoff is how long the relays may pause between two attempts.
	Backoff time.Duration

	// Flooded says that clients asked as fast as they could, so that it is no
	// fault of a relay's if things take long.
	Flooded bool

	// End is when the nodes were told to stop; 0 is the end of the journal.
	End time.Duration

	// Lag is how late a line that was read at a time may have been read, so
	// that our own slowness is not taken for theirs. nil is never.
	Lag func(at time.Duration) time.Duration
}

const (
	// relayEarly is how much of a timeout may be missing between two attempts.
	relayEarly = 0.2

	// relayNoise is what may be missing on top of that, where one attempt that
	// was read late would explain it.
	relayNoise = 50 * time.Millisecond

	// relayGrace is how long an answer may take that waits for nothing.
	relayGrace = 2 * time.Second

	// relayRace is how long before an error a reply must have been delivered
	// for the error to be wrong, if the node has shown since that it read on:
	// several of its threads may race.
	relayRace = 100 * time.Millisecond

	// relayUnread is how long otherwise: the reply may have been in its pipe.
	relayUnread = 500 * time.Millisecond
)

// RelayChecks are the checks of Relay, with what each has found when it fails.
var RelayChecks = []struct{ Name, Doc string }{
	{"no-answer", "a request was never answered although its node lived on"},
	{"double-answer", "a request was answered more often than it was delivered"},
	{"wrong-result", "a relay_ok carries a result that the target did not send to an attempt of this call, or that was lost on its way"},
	{"stranger-believed", "a relay_ok carries a reply from a node that was not asked, or to an id that was never sent"},
	{"wrong-echo", "a relay_ok carries a reply of the target's to a msg_id of this call, but what it echoes is another call's: a reply to an earlier life (--stale-replies), or a target that confuses requests"},
	{"wrong-count", "attempts is not the number of attempts on the wire up to the answer"},
	{"reused-id", "an attempt has a msg_id that its node had used before"},
	{"too-many-attempts", "a call made more attempts than promised"},
	{"gave-up-early", "an error came before all attempts were made"},
	{"error-too-soon", "an error came before the last attempt's time was over"},
	{"too-soon", "an attempt came before the one before it had its time (20 % allowed)"},
	{"too-late", "attempts are late by more than half a timeout and 0.1 s, in the middle of all (the --call-backoff that a relay promises does not count; not judged with --rate max)"},
	{"reply-ignored", "an attempt came although a reply to an earlier one had been delivered well before, which settles the call (but with --call-late ignore a late one)"},
	{"held-back", "a relay kept replies for more than 0.5 s before it handed them on, in the middle of all, though it had read on (not judged with --rate max)"},
	{"after-answer", "an attempt came after the call's answer"},
	{"answer-lost", "an error came although a reply had been delivered before"},
	{"false-definite", "an error has a code that says that nothing happened, but not every attempt was answered with such an error: an attempt that met silence may have taken effect"},
	{"wrong-target", "an attempt went to a node that the request did not name"},
	{"stray", "a relay sent a request that no client asked for"},
	{"malformed-answer", "a relay_ok lacks an integer attempts or an object result"},
	{"nothing-checked", "no call was answered with relay_ok, so there is nothing to go by (unknown)"},
	{"ambiguous", "two requests to one node had the same payload, so their attempts can't be told apart (unknown)"},
}

// Relay checks from the journal alone what relays did with the requests
//
//	{"type":"relay","target":"n2","payload":{...}}
//
// of clients. Payloads must differ, so that the attempts of one call can be told
// from those of another: an attempt is the payload with whatever msg_id, call,
// deadline_ms and retry.
//
// Nobody is blamed for what a fault did: what a node owed when it was killed is
// forgiven, ids are compared within one life, a pause adds to every limit,
// replies are counted against the copies of a request that were delivered.
func Relay(j *sim.Journal, c RelayConfig) ([]Problem, []Number) {
	r := relayCheck{
		config: c, journal: j,
		nodes:    map[string]*relayNode{},
		calls:    map[relayPayload]*relayCall{},
		requests: map[relayRequest]*relayCall{},
		duties:   map[relayRequest]*duty{},
	}
	for _, name := range c.Nodes {
		r.nodes[name] = &relayNode{ids: map[int64]relayAttempt{}, strange: map[uint64]int{}}
	}
	r.pauses = pausesOf(j)
	for step := range j.Steps() {
		switch {
		case step.Event != nil:
			r.event(step.Event)
		case step.Sent:
			r.sent(&step.Record)
		case step.Record.Fate == sim.Delivered:
			r.delivered(&step.Record)
		}
	}
	r.end()
	return r.found.problems(), r.numbers()
}

type relayCheck struct {
	config  RelayConfig
	journal *sim.Journal
	found   findings
	read    reader

	nodes    map[string]*relayNode
	calls    map[relayPayload]*relayCall
	requests map[relayRequest]*relayCall
	duties   map[relayRequest]*duty
	pauses   pauses
	now      time.Duration

	waits, holds tempo
	guilty       []*relayCall // of problems
	guilt        []int        // their places in found

	asked, answered, failed, refused, attempts, most int
}

type relayPayload struct {
	node string
	hash uint64
}

type relayRequest struct {
	src, node string
	id        int64
}

// A relayNode is one life of a relay.
type relayNode struct {
	down    bool                   // killed: what is still read of it is not judged
	read    int                    // the step at which the last was delivered that it must have read, by what it sent
	ids     map[int64]relayAttempt // its requests of this life
	strange map[uint64]int         // replies to nothing it had asked: body -> record
	shown   []relayRead            // when it has shown that it had read how far
	grain   time.Duration          // when the last of these began
}

// A relayAttempt is one request that a relay sent; call is nil for a stray one.
type relayAttempt struct {
	call   *relayCall
	dest   string
	record int
}

// A relayCall is one request of a client, and what its node did about it in the
// node's present life.
type relayCall struct {
	client, node, target string
	id                   int64
	timeout              time.Duration
	promised             int    // attempts
	echo                 uint64 // a hash of what an echo wants to hear; 0 if the payload is none
	shared               bool

	copies   int // delivered in this life
	arrived  time.Duration
	attempts []relaySent
	replies  []relayReply // delivered, to attempts of this call
	answered bool
	records  []int // all that it is made of, in all lives
}

type relaySent struct {
	id     int64
	at     time.Duration
	record int
}

type relayReply struct {
	src       string
	asked     bool // by the node that was asked
	inReplyTo int64
	at        time.Duration
	late      bool // after its attempt's timeout
	record    int
	step      int // when it was delivered, among all that happened
}

func (c *relayCall) String() string {
	return fmt.Sprintf("%s's relay (%s msg_id %d, to %s)", c.node, c.client, c.id, c.target)
}

// A duty is what a node owes for a request.
type duty struct {
	copies, answers int           // what the network duplicated may be answered as often
	requests        int           // and must be answered once
	original        int           // the last of them
	step            int           // when the first was delivered, among all that happened
	since           time.Duration // when it arrived
	limit           time.Duration // how long the answer may take
}

func (r *relayCheck) event(e *sim.Event) {
	r.now = e.At
	switch e.What {
	case "killed":
		if n := r.nodes[e.Node]; n != nil {
			n.down = true
			r.die(e.Node)
		}
	case "started":
		if n := r.nodes[e.Node]; n != nil {
			r.nodes[e.Node] = &relayNode{ids: map[int64]relayAttempt{}, strange: map[uint64]int{}}
		}
	}
}

// die forgives a node what it owed.
func (r *relayCheck) die(node string) {
	for request, d := range r.duties {
		if request.node == node {
			if d.since+r.pauses.stretched(node, d.since, d.limit) < r.now {
				r.noAnswer(request, d)
			}
			delete(r.duties, request)
		}
	}
	for _, call := range r.calls {
		if call.node == node {
			call.copies, call.attempts, call.replies, call.answered = 0, nil, nil, false
		}
	}
}

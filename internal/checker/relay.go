package checker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// A RelayConfig says how the relays under test are configured.
type RelayConfig struct {
	// Nodes are the relays. Messages of other nodes are not judged.
	Nodes []string

	// Timeout and Attempts apply to every call whose request has no timeout_ms
	// and no max_retries.
	Timeout  time.Duration
	Attempts int

	// IgnoreLate reports that the relays ignore replies that arrive after their
	// attempt's timeout.
	IgnoreLate bool

	// Backoff is how long the relays may pause between two attempts.
	Backoff time.Duration

	// Policy, unless nil, says more about calls whose request has no timeout_ms.
	Policy *RelayPolicy

	// Flooded reports that clients sent requests as fast as they could. Then
	// delays are not the relays' fault.
	Flooded bool

	// End is when the nodes were told to end. 0 means the end of the journal.
	End time.Duration

	// Lag returns how much earlier a line may have been written than it was read
	// at a time, because this program was delayed. nil means never.
	Lag func(at time.Duration) time.Duration

	// Stood returns how long this program stood still between two times, and carried
	// no message. nil means never.
	Stood func(from, to time.Duration) time.Duration
}

// A RelayPolicy is what the policy of relays lets them do.
type RelayPolicy struct {
	// Wait returns how long a relay waits for the reply to attempt n, at least and at most,
	// when it may make so many attempts.
	Wait func(n, attempts int) (least, most time.Duration)
	// Deadline is after which time a call may fail, whatever it waits for. 0 means never.
	Deadline time.Duration
	// MayStop reports that a call may fail although it may make further attempts.
	MayStop bool
	// RetryOn are the codes of error replies after which the next attempt may follow at once.
	RetryOn []int64
}

const (
	// relayEarly is the share of a timeout that may be missing between two
	// attempts.
	relayEarly = 0.2

	// relayNoise may be missing in addition, if one attempt that was read late
	// explains it.
	relayNoise = 50 * time.Millisecond

	// relayGrace is how long a reply may take that needs no call.
	relayGrace = 2 * time.Second

	// relayRace is how long before an error reply another reply must have been
	// delivered to make the error wrong, if the node has shown since that it read
	// its input. Several of its threads may race.
	relayRace = 100 * time.Millisecond

	// relayUnread is the same if the node has not shown this. The reply may still
	// have been in its pipe.
	relayUnread = 500 * time.Millisecond
)

// RelayChecks are the checks of Relay. Doc says what each has found if it fails.
var RelayChecks = []struct{ Name, Doc string }{
	{"no-reply", "a request got no reply although its node was not killed"},
	{"double-reply", "a request got more replies than the number of times it was delivered"},
	{"wrong-result", "the result of a relay_ok is not a reply of the target to an attempt of this call, or this reply was lost"},
	{"unmatched-reply", "the result of a relay_ok is a reply from another node than the target, or a reply to a msg_id that was never sent"},
	{"wrong-echo", "the result of a relay_ok is a reply of the target to a msg_id of this call, but it echoes another call's payload: it is a reply to an earlier incarnation (--stale-replies), or the target confuses requests"},
	{"wrong-count", "attempts is not the number of attempts sent before the reply"},
	{"reused-id", "an attempt has a msg_id that its node had used before"},
	{"too-many-attempts", "a call made more attempts than configured"},
	{"gave-up-early", "the call failed before all attempts were made"},
	{"error-too-soon", "the call failed before the timeout of the last attempt"},
	{"attempt-too-soon", "an attempt was sent before the timeout of the previous one (20 % are tolerated)"},
	{"attempt-too-late", "the median attempt is sent later than its predecessor's timeout by more than half a timeout and 0.1 s, or a quarter of the attempts by more than twice as much (--call-backoff is subtracted; not checked with --rate max)"},
	{"reply-ignored", "an attempt was sent although a reply to an earlier one had been delivered, which settles the call (late replies do not count with --call-late ignore)"},
	{"reply-delayed", "the median reply is sent more than 0.5 s after the relay has read the target's reply, or a quarter of the replies more than 1 s after (not checked with --rate max)"},
	{"attempt-after-reply", "an attempt was sent after the reply to the client"},
	{"reply-lost", "the call failed although a reply had been delivered"},
	{"false-definite", "the call failed with a definite code, but not every attempt got an error reply with a definite code: an attempt that timed out may have had an effect"},
	{"wrong-target", "an attempt was sent to another node than the target"},
	{"unrelated-request", "a relay sent a request that no client asked for"},
	{"malformed-reply", "a relay_ok has no integer attempts or no object result"},
	{"nothing-checked", "no call got a relay_ok, so nothing was checked (unknown)"},
	{"ambiguous", "two requests to one node had the same payload, so their attempts cannot be distinguished (unknown)"},
}

// Relay checks from the journal alone how relays served the requests
//
//	{"type":"relay","target":"n2","payload":{...}}
//
// of clients. The payloads must differ, because the payload identifies the attempts
// of a call: an attempt is the payload with any msg_id, call, deadline_ms and retry.
//
// Relay takes faults into account. A node that is killed need not reply to the
// requests that it received before. A msg_id may be used once per incarnation.
// Pauses extend every limit. A node may send a reply for each delivered copy of a
// request.
func Relay(j *sim.Journal, c RelayConfig) ([]Problem, []Number) {
	r := relayCheck{
		config: c, journal: j,
		nodes:    map[string]*relayNode{},
		calls:    map[relayPayload]*relayCall{},
		requests: map[relayRequest]*relayCall{},
		pending:  map[relayRequest]*pendingRequest{},
	}
	for _, name := range c.Nodes {
		r.nodes[name] = newRelayNode()
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
	pending  map[relayRequest]*pendingRequest
	pauses   pauses
	now      time.Duration

	attemptDelays, replyDelays delays
	callProblems               []callProblem

	count relayCounts
}

// A callProblem says which call one of the findings is about.
type callProblem struct {
	call  *relayCall
	index int // in findings.list
}

// relayCounts are the numbers that the check returns.
type relayCounts struct {
	calls, successful, failed, refused int
	attempts, maxAttempts              int
}

type relayPayload struct {
	node string
	hash uint64
}

type relayRequest struct {
	src, node string
	id        int64
}

// A relayNode is one incarnation of a relay.
type relayNode struct {
	down      bool                   // it was killed: its output is not judged any more
	readUpTo  int                    // the last step whose message it has certainly read, as its output shows
	sent      map[int64]relayOutcall // its requests by msg_id
	unmatched map[uint64]int         // replies delivered to it that are to no request of it: body hash -> record
	reads     []relayRead            // when it showed how far it had read
	grain     time.Duration          // when the last of reads began
}

func newRelayNode() *relayNode {
	return &relayNode{sent: map[int64]relayOutcall{}, unmatched: map[uint64]int{}}
}

// A relayOutcall is a request that a relay sent. call is nil if no client asked for
// it.
type relayOutcall struct {
	call   *relayCall
	dest   string
	record int
}

// A relayCall is a client's request, and what the current incarnation of its node
// did about it.
type relayCall struct {
	client, node, target string
	id                   int64
	timeout              time.Duration
	policy               *RelayPolicy // nil if every attempt has the same timeout
	maxAttempts          int
	echo                 uint64 // the hash of the expected echo; 0 if the payload is not an echo
	shared               bool   // another request has the same payload

	copies   int // copies of the request that were delivered to this incarnation
	arrived  time.Duration
	attempts []relayAttempt
	replies  []relayReply // replies to the attempts that were delivered
	replied  bool         // the node has replied to the client
	records  []int        // all messages of the call, in all incarnations
}

type relayAttempt struct {
	id     int64
	at     time.Duration
	record int
}

type relayReply struct {
	src        string
	fromTarget bool
	inReplyTo  int64
	at         time.Duration
	late       bool // it arrived after its attempt's timeout, or may have
	record     int
	step       int // when it was delivered, among all steps
}

// String identifies the call.
func (c *relayCall) String() string {
	return fmt.Sprintf("%s's relay (%s msg_id %d, to %s)", c.node, c.client, c.id, c.target)
}

// A pendingRequest is a request to which a node must reply.
type pendingRequest struct {
	copies, replies int           // delivered copies, and replies; each copy may get a reply
	requests        int           // delivered requests without duplicates; each must get a reply
	original        int           // the record of the last of these
	step            int           // when the first was delivered, among all steps
	since           time.Duration // when the last was delivered
	limit           time.Duration // how long the reply may take
}

func (r *relayCheck) event(e *sim.Event) {
	r.now = e.At
	switch e.What {
	case "killed":
		if n := r.nodes[e.Node]; n != nil {
			n.down = true
			r.killed(e.Node)
		}
	case "started":
		if r.nodes[e.Node] != nil {
			r.nodes[e.Node] = newRelayNode()
		}
	}
}

// killed drops the pending requests of a node that was killed.
func (r *relayCheck) killed(node string) {
	r.checkPending(r.now, func(request relayRequest) bool { return request.node == node })
	maps.DeleteFunc(r.pending, func(request relayRequest, _ *pendingRequest) bool { return request.node == node })
	for _, call := range r.calls {
		if call.node == node {
			call.copies, call.attempts, call.replies, call.replied = 0, nil, nil, false
		}
	}
}

// end checks the requests that are still pending, and the delays.
func (r *relayCheck) end() {
	end := r.config.End
	if end == 0 {
		end = r.now
	}
	r.checkPending(end, func(relayRequest) bool { return true })
	r.checkDelays()
	r.setInvolved()
	if r.count.successful == 0 {
		r.found.unknown("nothing-checked", end, "no call got a relay_ok: %d requests, %d error replies", r.count.calls, r.count.failed)
	}
}

// checkPending reports the selected pending requests whose limit has passed, the
// earliest first.
func (r *relayCheck) checkPending(now time.Duration, selected func(relayRequest) bool) {
	var overdue []relayRequest
	for request, p := range r.pending {
		if selected(request) && p.replies < p.requests && p.since+r.pauses.extend(request.node, p.since, p.limit) < now-r.stood(p.since, now) {
			overdue = append(overdue, request)
		}
	}
	slices.SortFunc(overdue, func(a, b relayRequest) int {
		return cmp.Compare(r.pending[a].step, r.pending[b].step)
	})
	for _, request := range overdue {
		p := r.pending[request]
		m := r.journal.At(p.original)
		r.found.add("no-reply", p.since, p.original, "%s sent no reply to %s's %s (msg_id %d), which was delivered at %s; the limit is %v",
			request.node, request.src, m.Type, request.id, seconds(p.since), p.limit)
	}
}

func (r *relayCheck) stood(from, to time.Duration) time.Duration {
	if r.config.Stood == nil {
		return 0
	}
	return r.config.Stood(from, to)
}

func (r *relayCheck) numbers() []Number {
	c := &r.count
	amplification := 0.0
	if calls := c.calls - c.refused; calls > 0 {
		amplification = float64(c.attempts) / float64(calls)
	}
	numbers := []Number{
		{"calls", c.calls},
		{"successful calls", c.successful},
		{"failed calls", c.failed - c.refused},
		{"refused calls", c.refused},
		{"attempts", c.attempts},
		{"maximum attempts per call", c.maxAttempts},
		{"load amplification", amplification},
	}
	if len(r.replyDelays.all) > 0 {
		numbers = append(numbers, Number{"reply delay", QuantilesOf(r.replyDelays.all)})
	}
	return numbers
}

// addProblem adds a problem of a call, which shows in the message m.
func (r *relayCheck) addProblem(call *relayCall, check string, m *sim.Record, format string, args ...any) {
	if r.found.add(check, m.Sent, m.Index, format, args...) {
		r.callProblems = append(r.callProblems, callProblem{call, len(r.found.list) - 1})
	}
}

// setInvolved sets the involved messages of all problems of calls. A call may get
// more messages after the problem was found.
func (r *relayCheck) setInvolved() {
	for _, p := range r.callProblems {
		slices.Sort(p.call.records)
		p.call.records = slices.Compact(p.call.records)
		r.found.list[p.index].Involved = p.call.records
	}
}

package checker

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

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
	{"after-answer", "an attempt came after the call's answer"},
	{"answer-lost", "an error came although a reply had been delivered before"},
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

func (r *relayCheck) sent(m *sim.Record) {
	r.now = m.Sent
	node := r.nodes[m.Src]
	switch {
	case node == nil && m.IsRequest() && m.Type == "relay" && r.nodes[m.Dest] != nil:
		r.ask(m)
	case node == nil || node.down || m.Forged:
	case m.IsRequest():
		r.attempt(node, m)
	case m.IsReply():
		r.reply(m)
	}
}

// ask takes note of a client's request.
func (r *relayCheck) ask(m *sim.Record) {
	body := r.read.members(m.Body, "payload", "target", "timeout_ms", "max_retries")
	call := &relayCall{
		client: m.Src, node: m.Dest, id: m.ID,
		target: text(body[1]), timeout: r.config.Timeout, promised: r.config.Attempts,
	}
	if ms, ok := integer(body[2]); ok {
		call.timeout = time.Duration(ms) * time.Millisecond
	}
	if n, ok := integer(body[3]); ok {
		call.promised = int(n)
	}
	if payload := r.read.members(body[0], "type", "echo"); text(payload[0]) == "echo" && payload[1] != nil {
		call.echo = sim.BodyHash(payload[1])
	}
	key := relayPayload{m.Dest, sim.BodyHash(body[0])}
	if other := r.calls[key]; other != nil {
		call.shared, other.shared = true, true
		r.found.unknown("ambiguous", m.Sent, "%v has the payload of %v: their attempts can't be told apart", call, other)
	}
	r.calls[key] = call
	r.requests[relayRequest{m.Src, m.Dest, m.ID}] = call
	r.asked++
}

// attempt judges a request that a relay sent.
func (r *relayCheck) attempt(node *relayNode, m *sim.Record) {
	if before, used := node.ids[m.ID]; used {
		r.found.add("reused-id", m.Sent, m.Index, "%s sent a request to %s at %s with msg_id %d, which it had used for one to %s at %s",
			m.Src, m.Dest, seconds(m.Sent), m.ID, before.dest, seconds(r.journal.At(before.record).Sent))
	}
	call := r.calls[relayPayload{m.Src, sim.BodyHash(m.Body)}]
	node.ids[m.ID] = relayAttempt{call, m.Dest, m.Index}
	if call == nil || call.copies == 0 {
		r.found.add("stray", m.Sent, m.Index, "%s sent %s the request %s at %s, which nobody had asked this life of it to relay",
			m.Src, m.Dest, quote(m.Body), seconds(m.Sent))
		return
	}
	r.attempts++
	if m.Dest != call.target {
		r.found.add("wrong-target", m.Sent, m.Index, "%v: an attempt (msg_id %d) went to %s at %s", call, m.ID, m.Dest, seconds(m.Sent))
	}
	if !call.shared {
		r.pace(call, m)
	}
	call.attempts = append(call.attempts, relaySent{m.ID, m.Sent, m.Index})
	r.most = max(r.most, len(call.attempts))
}

// pace judges how many attempts there are, and when.
func (r *relayCheck) pace(call *relayCall, m *sim.Record) {
	n := len(call.attempts)
	switch {
	case call.copies == 1 && call.answered:
		r.found.add("after-answer", m.Sent, m.Index, "%v: attempt %d (msg_id %d) was sent at %s, after the call's answer",
			call, n+1, m.ID, seconds(m.Sent))
	case n >= call.promised*call.copies:
		r.found.add("too-many-attempts", m.Sent, m.Index, "%v: attempt %d (msg_id %d) was sent at %s; %d were promised",
			call, n+1, m.ID, seconds(m.Sent), call.promised)
	}
	if n == 0 || call.copies > 1 {
		return
	}
	last := call.attempts[n-1]
	if gap := m.Sent - last.at; r.early(call, n, m.Sent) {
		r.found.add("too-soon", m.Sent, m.Index, "%v: attempt %d (msg_id %d) was sent at %s, %v after the one before, %v after the request; the timeout is %v",
			call, n+1, m.ID, seconds(m.Sent), round(gap), round(m.Sent-call.arrived), call.timeout)
	}
}

// early reports whether what a node sent at a time came before n attempts had
// their time.
//
// What we read was written before. So counted from the request's delivery, time
// can only seem longer than it was, and too short is too short. Counted from
// the attempt before, it seems shorter if that one was read late; and after a
// pause several timers may run out at once. There we allow for both.
func (r *relayCheck) early(call *relayCall, n int, at time.Duration) bool {
	timeout := time.Duration((1 - relayEarly) * float64(call.timeout))
	if at-call.arrived < time.Duration(n)*timeout {
		return true
	}
	since := call.attempts[n-1].at
	return at-since+relayNoise+2*r.lag(since) < timeout &&
		!r.pauses.between(call.node, since-time.Duration(call.promised)*call.timeout, at)
}

// hasRead notes that a node must have read what was delivered at a step, and so
// all that was delivered to it before.
func (r *relayCheck) hasRead(node string, step int) {
	n := r.nodes[node]
	n.read = max(n.read, step)
}

func (r *relayCheck) lag(at time.Duration) time.Duration {
	if r.config.Lag == nil {
		return 0
	}
	return r.config.Lag(at)
}

func (r *relayCheck) delivered(m *sim.Record) {
	r.now = m.Done
	node := r.nodes[m.Dest]
	switch {
	case node == nil:
	case m.IsRequest():
		r.owe(m)
	case m.IsReply():
		r.hear(node, m)
	}
}

// owe notes that a node owes an answer.
func (r *relayCheck) owe(m *sim.Record) {
	request := relayRequest{m.Src, m.Dest, m.ID}
	limit := relayGrace
	if call := r.requests[request]; call != nil {
		if call.copies == 0 {
			call.arrived = m.Done
		}
		call.copies++
		limit += time.Duration(call.promised) * call.timeout
	}
	d := r.duties[request]
	if d == nil {
		d = &duty{original: -1, step: m.DoneStep}
		r.duties[request] = d
	}
	d.copies++
	original := m.Index
	if m.IsDuplicate() {
		original = m.Of
	}
	if original != d.original {
		d.requests++
		d.original, d.since, d.limit = original, m.Done, limit
	}
}

// hear takes note of a reply that was delivered to a relay.
func (r *relayCheck) hear(node *relayNode, m *sim.Record) {
	to, known := node.ids[m.InReplyTo]
	if !known {
		node.strange[sim.BodyHash(m.Body)] = m.Index
		return
	}
	if to.call == nil {
		return
	}
	sent := r.journal.At(to.record).Sent
	to.call.replies = append(to.call.replies, relayReply{
		src: m.Src, asked: m.Src == to.dest, inReplyTo: m.InReplyTo, at: m.Done,
		late: m.Done-sent > to.call.timeout, record: m.Index, step: m.DoneStep,
	})
}

// reply judges what a relay answered.
func (r *relayCheck) reply(m *sim.Record) {
	request := relayRequest{m.Dest, m.Src, m.InReplyTo}
	if d := r.duties[request]; d != nil {
		r.hasRead(m.Src, d.step)
		if d.answers++; d.answers > d.copies {
			r.found.add("double-answer", m.Sent, m.Index, "%s answered %s's request (msg_id %d) once more at %s: %d answers to %d delivered",
				m.Src, m.Dest, m.InReplyTo, seconds(m.Sent), d.answers, d.copies)
		}
	}
	call := r.requests[request]
	if call == nil {
		return
	}
	first := !call.answered
	call.answered = true
	switch {
	case m.Type == "relay_ok":
		r.answered++
		r.good(call, m)
	case m.Type == "error" && first && !call.shared:
		r.failed++
		r.bad(call, m)
	}
}

// good judges a relay_ok.
func (r *relayCheck) good(call *relayCall, m *sim.Record) {
	body := r.read.members(m.Body, "attempts", "result")
	attempts, ok := integer(body[0])
	result := body[1]
	if !ok || result.Kind() != '{' {
		r.found.add("malformed-answer", m.Sent, m.Index, "%v: the answer at %s is %s: it wants an integer attempts and an object result",
			call, seconds(m.Sent), quote(m.Body))
		return
	}
	if call.shared {
		return
	}
	if call.copies == 1 && attempts != int64(len(call.attempts)) {
		r.found.add("wrong-count", m.Sent, m.Index, "%v: the answer at %s says attempts %d, but %d were sent",
			call, seconds(m.Sent), attempts, len(call.attempts))
	}
	r.result(call, m, result)
}

// result looks for the reply that a result was.
func (r *relayCheck) result(call *relayCall, m *sim.Record, result []byte) {
	hash := sim.BodyHash(result)
	said := r.read.members(result, "msg_id", "in_reply_to", "type", "echo")
	ids := said[:2]
	stranger := -1
	for _, reply := range call.replies {
		record := r.journal.At(reply.record)
		if sim.BodyHash(record.Body) != hash || !sameIDs(ids, &record) {
			continue
		}
		if reply.asked {
			r.hasRead(call.node, reply.step)
			if call.echo != 0 && text(said[2]) == "echo_ok" && sim.BodyHash(said[3]) != call.echo {
				r.found.add("wrong-echo", m.Sent, record.Index, "%v: the result at %s is %s, which echoes something else; %s's reply to msg_id %d was sent at %s",
					call, seconds(m.Sent), quote(result), call.target, reply.inReplyTo, seconds(record.Sent))
			}
			return
		}
		stranger = reply.record
	}
	if stranger < 0 {
		if record, heard := r.nodes[call.node].strange[hash]; heard {
			if m := r.journal.At(record); sameIDs(ids, &m) {
				stranger = record
			}
		}
	}
	if stranger >= 0 {
		s := r.journal.At(stranger)
		r.found.add("stranger-believed", m.Sent, m.Index, "%v: the result at %s is a reply from %s to msg_id %d, %s",
			call, seconds(m.Sent), s.Src, s.InReplyTo, r.whyStrange(call, &s))
		return
	}
	r.found.add("wrong-result", m.Sent, m.Index, "%v: the result at %s is %s; no such reply of %s to one of its %d attempts had been delivered to %s",
		call, seconds(m.Sent), quote(result), call.target, len(call.attempts), call.node)
}

func (r *relayCheck) whyStrange(call *relayCall, reply *sim.Record) string {
	if slices.ContainsFunc(call.attempts, func(a relaySent) bool { return a.id == reply.InReplyTo }) {
		return "which went to " + call.target
	}
	return "which is no attempt of this call"
}

// sameIDs reports whether a result's msg_id and in_reply_to are a reply's, where
// it has any: a relay may leave them out.
func sameIDs(ids []jsontext.Value, reply *sim.Record) bool {
	for i, want := range []int64{reply.ID, reply.InReplyTo} {
		if id, _ := integer(ids[i]); ids[i] != nil && id != want {
			return false
		}
	}
	return true
}

// refusals are the codes with which a relay may refuse to call at all: not
// supported, temporarily unavailable, malformed.
var refusals = []int64{10, 11, 12}

// bad judges an error.
func (r *relayCheck) bad(call *relayCall, m *sim.Record) {
	n := len(call.attempts)
	code, _ := integer(r.read.member(m.Body, "code"))
	if n == 0 && slices.Contains(refusals, code) {
		r.refused++
		return
	}
	if slices.ContainsFunc(call.replies, func(reply relayReply) bool { return r.isError(reply, code) }) {
		return
	}
	for _, reply := range call.replies {
		if r.ignored(call, &reply, m.Sent) {
			r.found.add("answer-lost", m.Sent, m.Index, "%v: an error at %s, but %s's reply to msg_id %d had been delivered at %s",
				call, seconds(m.Sent), reply.src, reply.inReplyTo, seconds(reply.at))
			return
		}
	}
	switch {
	case call.copies > 1:
	case n < call.promised:
		r.found.add("gave-up-early", m.Sent, m.Index, "%v: an error at %s after %d attempts; %d were promised",
			call, seconds(m.Sent), n, call.promised)
	default:
		last := call.attempts[n-1]
		if r.early(call, n, m.Sent) {
			r.found.add("error-too-soon", m.Sent, m.Index, "%v: an error at %s, %v after the last attempt (msg_id %d), %v after the request; the timeout is %v",
				call, seconds(m.Sent), round(m.Sent-last.at), last.id, round(m.Sent-call.arrived), call.timeout)
		}
	}
}

// ignored reports whether a node had a reply that counts when it sent an error.
func (r *relayCheck) ignored(call *relayCall, reply *relayReply, at time.Duration) bool {
	patience := max(relayUnread, call.timeout)
	if reply.step < r.nodes[call.node].read {
		patience = relayRace
	}
	return reply.asked && !(reply.late && r.config.IgnoreLate) &&
		at-reply.at > patience+2*r.lag(at) && !r.pauses.between(call.node, reply.at, at)
}

// isError reports whether a reply was an error of that code: a relay may hand
// it on as its own.
func (r *relayCheck) isError(reply relayReply, code int64) bool {
	m := r.journal.At(reply.record)
	theirs, ok := integer(r.read.member(m.Body, "code"))
	return reply.asked && m.Type == "error" && ok && theirs == code
}

// end judges what is owed to the last.
func (r *relayCheck) end() {
	end := r.config.End
	if end == 0 {
		end = r.now
	}
	for request, d := range r.duties {
		if d.since+r.pauses.stretched(request.node, d.since, d.limit) < end {
			r.noAnswer(request, d)
		}
	}
	if r.answered == 0 {
		r.found.unknown("nothing-checked", end, "no call was answered with relay_ok: %d requests, %d errors", r.asked, r.failed)
	}
}

func (r *relayCheck) noAnswer(request relayRequest, d *duty) {
	if d.answers >= d.requests {
		return
	}
	m := r.journal.At(d.original)
	r.found.add("no-answer", d.since, d.original, "%s never answered %s's %s (msg_id %d), delivered at %s; it had %v",
		request.node, request.src, m.Type, request.id, seconds(d.since), d.limit)
}

func (r *relayCheck) numbers() []Number {
	amplification := 0.0
	if calls := r.asked - r.refused; calls > 0 {
		amplification = float64(r.attempts) / float64(calls)
	}
	return []Number{
		{"calls", r.asked},
		{"answered", r.answered},
		{"failed", r.failed - r.refused},
		{"refused", r.refused},
		{"attempts", r.attempts},
		{"most attempts of a call", r.most},
		{"load amplification", amplification},
	}
}

const quotedBytes = 200

func quote(body []byte) string {
	if len(body) > quotedBytes {
		return string(body[:quotedBytes]) + "..."
	}
	return string(body)
}

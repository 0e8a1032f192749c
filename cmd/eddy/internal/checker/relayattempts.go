package checker

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

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
		records: []int{m.Index},
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
	call.records = append(call.records, m.Index)
	if m.Dest != call.target {
		r.blame(call, "wrong-target", m, "%v: an attempt (msg_id %d) went to %s at %s", call, m.ID, m.Dest, seconds(m.Sent))
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
		r.blame(call, "after-answer", m, "%v: attempt %d (msg_id %d) was sent at %s, after the call's answer",
			call, n+1, m.ID, seconds(m.Sent))
	case n >= call.promised*call.copies:
		r.blame(call, "too-many-attempts", m, "%v: attempt %d (msg_id %d) was sent at %s; %d were promised",
			call, n+1, m.ID, seconds(m.Sent), call.promised)
	}
	if n == 0 || call.copies > 1 {
		return
	}
	if i := slices.IndexFunc(call.replies, func(reply relayReply) bool { return r.unheeded(call, &reply, m.Sent) }); i >= 0 && !call.answered {
		reply := call.replies[i]
		r.blame(call, "reply-ignored", m, "%v: attempt %d (msg_id %d) was sent at %s, but %s's reply to msg_id %d had been delivered at %s",
			call, n+1, m.ID, seconds(m.Sent), reply.src, reply.inReplyTo, seconds(reply.at))
	}
	last := call.attempts[n-1]
	r.waited(call, m, last.at)
	if gap := m.Sent - last.at; r.early(call, n, m.Sent) {
		r.blame(call, "too-soon", m, "%v: attempt %d (msg_id %d) was sent at %s, %v after the one before, %v after the request; the timeout is %v",
			call, n+1, m.ID, seconds(m.Sent), round(gap), round(m.Sent-call.arrived), call.timeout)
	}
}

// unheeded reports whether a relay goes on although it has a reply that should
// have settled the call. A policy may try again after an error. Where clients ask as
// fast as they can, a reply may have waited long inside the relay.
func (r *relayCheck) unheeded(call *relayCall, reply *relayReply, at time.Duration) bool {
	m := r.journal.At(reply.record)
	return m.Type != "error" && r.ignored(call, reply, at) && !(r.config.Flooded && at-reply.at <= call.timeout)
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

func (r *relayCheck) lag(at time.Duration) time.Duration {
	if r.config.Lag == nil {
		return 0
	}
	return r.config.Lag(at)
}

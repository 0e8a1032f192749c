package checker

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
)

func (r *relayCheck) sent(m *sim.Record) {
	r.now = m.Sent
	node := r.nodes[m.Src]
	switch {
	case node == nil && m.IsRequest() && m.Type == "relay" && r.nodes[m.Dest] != nil:
		r.clientRequest(m)
	case node == nil || node.down || m.Forged:
	case m.IsRequest():
		r.checkAttempt(node, m)
	case m.IsReply():
		r.checkReply(m)
	}
}

// clientRequest adds the call that a client's request asks for.
func (r *relayCheck) clientRequest(m *sim.Record) {
	body := r.read.members(m.Body, "payload", "target", "timeout_ms", "max_retries")
	call := &relayCall{
		client: m.Src, node: m.Dest, id: m.ID,
		target: text(body[1]), timeout: r.config.Timeout, policy: r.config.Policy, maxAttempts: r.config.Attempts,
		records: []int{m.Index},
	}
	if ms, ok := integer(body[2]); ok {
		call.timeout, call.policy = time.Duration(ms)*time.Millisecond, nil
	}
	if n, ok := integer(body[3]); ok {
		call.maxAttempts = int(n)
	}
	if payload := r.read.members(body[0], "type", "echo"); text(payload[0]) == "echo" && payload[1] != nil {
		call.echo = sim.BodyHash(payload[1])
	}
	key := relayPayload{m.Dest, sim.BodyHash(body[0])}
	if other := r.calls[key]; other != nil {
		call.shared, other.shared = true, true
		r.found.unknown("ambiguous", m.Sent, "%v and %v have the same payload, so their attempts cannot be distinguished", other, call)
	}
	r.calls[key] = call
	r.requests[relayRequest{m.Src, m.Dest, m.ID}] = call
	r.count.calls++
}

// checkAttempt checks a request that a relay sent.
func (r *relayCheck) checkAttempt(node *relayNode, m *sim.Record) {
	if before, used := node.sent[m.ID]; used {
		r.found.add("reused-id", m.Sent, m.Index, "%s sent a request to %s at %s with msg_id %d, which it had used for a request to %s at %s",
			m.Src, m.Dest, seconds(m.Sent), m.ID, before.dest, seconds(r.journal.At(before.record).Sent))
	}
	call := r.calls[relayPayload{m.Src, sim.BodyHash(m.Body)}]
	node.sent[m.ID] = relayOutcall{call, m.Dest, m.Index}
	if call == nil || call.copies == 0 {
		r.found.add("unrelated-request", m.Sent, m.Index, "%s sent %s the request %s at %s, but no client asked this incarnation of %s to relay it",
			m.Src, m.Dest, quote.Excerpt(m.Body), seconds(m.Sent), m.Src)
		return
	}
	r.count.attempts++
	call.records = append(call.records, m.Index)
	if m.Dest != call.target {
		r.addProblem(call, "wrong-target", m, "%v: an attempt (msg_id %d) was sent to %s at %s", call, m.ID, m.Dest, seconds(m.Sent))
	}
	if !call.shared {
		r.checkPace(call, m)
	}
	call.attempts = append(call.attempts, relayAttempt{m.ID, m.Sent, m.Index})
	r.count.maxAttempts = max(r.count.maxAttempts, len(call.attempts))
}

// checkPace checks the number of attempts and the times between them.
func (r *relayCheck) checkPace(call *relayCall, m *sim.Record) {
	n := len(call.attempts)
	switch {
	case call.copies == 1 && call.replied:
		r.addProblem(call, "attempt-after-reply", m, "%v: attempt %d (msg_id %d) was sent at %s, after the reply to the client",
			call, n+1, m.ID, seconds(m.Sent))
	case n >= call.maxAttempts*call.copies:
		r.addProblem(call, "too-many-attempts", m, "%v: attempt %d (msg_id %d) was sent at %s; the maximum is %d",
			call, n+1, m.ID, seconds(m.Sent), call.maxAttempts)
	}
	if n == 0 || call.copies > 1 {
		return
	}
	if i := slices.IndexFunc(call.replies, func(reply relayReply) bool { return r.isIgnored(call, &reply, m.Sent) }); i >= 0 && !call.replied {
		reply := call.replies[i]
		r.addProblem(call, "reply-ignored", m, "%v: attempt %d (msg_id %d) was sent at %s, but %s's reply to msg_id %d was delivered at %s",
			call, n+1, m.ID, seconds(m.Sent), reply.src, reply.inReplyTo, seconds(reply.at))
	}
	last := call.attempts[n-1]
	if r.gotRetriedError(call) {
		return
	}
	r.addAttemptDelay(call, m, last.at)
	if gap := m.Sent - last.at; r.tooSoon(call, n, m.Sent, false) {
		r.addProblem(call, "attempt-too-soon", m, "%v: attempt %d (msg_id %d) was sent at %s, %v after the previous one, %v after the request; the timeout is %v",
			call, n+1, m.ID, seconds(m.Sent), round(gap), round(m.Sent-call.arrived), call.least(n))
	}
}

// gotRetriedError reports whether a call got an error reply after which its policy lets it try
// again at once.
func (r *relayCheck) gotRetriedError(call *relayCall) bool {
	return call.policy != nil && slices.ContainsFunc(call.replies, func(reply relayReply) bool {
		return slices.ContainsFunc(call.policy.RetryOn, func(code int64) bool { return r.isError(reply, code) })
	})
}

// isIgnored reports whether a relay sends another attempt at a time although it has
// read a reply that settles the call. A policy may retry after an error reply. If
// clients flood the relay, it may have read the reply but not yet handled it.
func (r *relayCheck) isIgnored(call *relayCall, reply *relayReply, at time.Duration) bool {
	m := r.journal.At(reply.record)
	return m.Type != "error" && r.mustHaveRead(call, reply, at) && !(r.config.Flooded && at-reply.at <= call.timeout)
}

// tooSoon reports whether a node sent something before the timeouts of n attempts
// had passed. failed means that it gave up, so that attempt n was the last.
//
// A line is written before this program reads it. So the time since the delivery of
// the request is never measured too short, and no tolerance is needed. The time
// since the previous attempt is measured too short if that attempt was read late,
// and after a pause several timeouts may expire at once. Both are tolerated.
func (r *relayCheck) tooSoon(call *relayCall, n int, at time.Duration, failed bool) bool {
	last := call.least(n)
	if failed {
		last = call.least(call.maxAttempts)
	}
	all := last
	for i := 1; i < n; i++ {
		all += call.least(i)
	}
	timeout := time.Duration((1 - relayEarly) * float64(last))
	if at-call.arrived < time.Duration((1-relayEarly)*float64(all)) {
		return true
	}
	since := call.attempts[n-1].at
	return at-since+relayNoise+2*r.lag(since) < timeout &&
		!r.pauses.between(call.node, since-time.Duration(call.maxAttempts)*call.timeout, at)
}

func (r *relayCheck) lag(at time.Duration) time.Duration {
	if r.config.Lag == nil {
		return 0
	}
	return r.config.Lag(at)
}

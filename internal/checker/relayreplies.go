package checker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/sim"
)

func (r *relayCheck) delivered(m *sim.Record) {
	r.now = m.Done
	node := r.nodes[m.Dest]
	switch {
	case node == nil:
	case m.IsRequest():
		r.requestDelivered(m)
	case m.IsReply():
		r.replyDelivered(node, m)
	}
}

// requestDelivered records that a node must reply to a request.
func (r *relayCheck) requestDelivered(m *sim.Record) {
	request := relayRequest{m.Src, m.Dest, m.ID}
	limit := relayGrace
	if call := r.requests[request]; call != nil {
		if call.copies == 0 {
			call.arrived = m.Done
		}
		call.copies++
		limit += r.longest(call)
	}
	p := r.pending[request]
	if p == nil {
		p = &pendingRequest{original: -1, step: m.DoneStep}
		r.pending[request] = p
	}
	p.copies++
	original := m.Index
	if m.IsDuplicate() {
		original = m.Of
	}
	if original != p.original {
		p.requests++
		p.original, p.since, p.limit = original, m.Done, limit
	}
}

// replyDelivered records a reply that was delivered to a relay. An attempt that was read when a
// pause ended may have been written before, so the reply to it may be late.
func (r *relayCheck) replyDelivered(node *relayNode, m *sim.Record) {
	request, known := node.sent[m.InReplyTo]
	if !known {
		node.unmatched[sim.BodyHash(m.Body)] = m.Index
		return
	}
	call := request.call
	if call == nil {
		return
	}
	sent := r.journal.At(request.record).Sent
	call.records = append(call.records, m.Index)
	call.replies = append(call.replies, relayReply{
		src: m.Src, fromTarget: m.Src == request.dest, inReplyTo: m.InReplyTo, at: m.Done,
		late: m.Done-sent > call.least(call.number(m.InReplyTo)) || r.pauses.between(call.node, sent, sent), record: m.Index, step: m.DoneStep,
	})
}

// checkReply checks a reply that a relay sent.
func (r *relayCheck) checkReply(m *sim.Record) {
	request := relayRequest{m.Dest, m.Src, m.InReplyTo}
	if p := r.pending[request]; p != nil {
		r.hasRead(m.Src, p.step)
		if p.replies++; p.replies > p.copies {
			r.extraReply(m, p)
		}
	}
	call := r.requests[request]
	if call == nil {
		return
	}
	call.records = append(call.records, m.Index)
	first := !call.replied
	call.replied = true
	switch {
	case m.Type == "relay_ok":
		if first {
			r.count.successful++
		}
		r.checkOK(call, m)
	case m.Type == "error" && first && !call.shared:
		r.count.failed++
		r.checkError(call, m)
	}
}

// extraReply reports a reply too many, with the replies before it.
func (r *relayCheck) extraReply(m *sim.Record, p *pendingRequest) {
	call := r.requests[relayRequest{m.Dest, m.Src, m.InReplyTo}]
	if call == nil {
		r.found.add("double-reply", m.Sent, m.Index, "%s sent another reply to %s's request (msg_id %d) at %s: %d replies, but %d delivered",
			m.Src, m.Dest, m.InReplyTo, seconds(m.Sent), p.replies, p.copies)
		return
	}
	var replies []string
	for _, i := range append(slices.Clone(call.records), m.Index) {
		if reply := r.journal.At(i); reply.Src == call.node && reply.Dest == call.client && reply.InReplyTo == call.id && !reply.IsDuplicate() {
			replies = append(replies, r.describeReply(call, &reply)+" at "+seconds(reply.Sent))
		}
	}
	delivered := ""
	if p.copies > 1 {
		delivered = fmt.Sprintf("; the request was delivered %d times", p.copies)
	}
	r.addProblem(call, "double-reply", m, "call %s/%d to %s got %d replies: %s%s",
		call.client, call.id, call.node, p.replies, strings.Join(replies, ", and "), delivered)
}

// describeReply says which attempt's reply a relay's reply contains, if that is
// known.
func (r *relayCheck) describeReply(call *relayCall, reply *sim.Record) string {
	if reply.Type == "error" {
		code, _ := integer(r.read.member(reply.Body, "code"))
		return fmt.Sprintf("error %d", code)
	}
	id, hasID := integer(r.read.member(r.read.member(reply.Body, "result"), "in_reply_to"))
	n := slices.IndexFunc(call.attempts, func(a relayAttempt) bool { return a.id == id })
	if !hasID || n < 0 {
		return reply.Type
	}
	if slices.ContainsFunc(call.replies, func(reply relayReply) bool { return reply.inReplyTo == id && reply.late }) {
		return fmt.Sprintf("the late reply to attempt %d", n+1)
	}
	return fmt.Sprintf("the reply to attempt %d", n+1)
}

// checkOK checks a relay_ok.
func (r *relayCheck) checkOK(call *relayCall, m *sim.Record) {
	body := r.read.members(m.Body, "attempts", "result")
	attempts, ok := integer(body[0])
	result := body[1]
	if !ok || result.Kind() != '{' {
		r.addProblem(call, "malformed-reply", m, "%v: the reply at %s must have an integer attempts and an object result: %s",
			call, seconds(m.Sent), quote.Excerpt(m.Body))
		return
	}
	if call.shared {
		return
	}
	if call.copies == 1 && attempts != int64(len(call.attempts)) {
		r.addProblem(call, "wrong-count", m, "%v: the reply at %s says attempts %d, but %d were sent",
			call, seconds(m.Sent), attempts, len(call.attempts))
	}
	r.checkResult(call, m, result)
}

// checkResult looks for the reply that a result contains.
func (r *relayCheck) checkResult(call *relayCall, m *sim.Record, result []byte) {
	hash := sim.BodyHash(result)
	body := r.read.members(result, "msg_id", "in_reply_to", "type", "echo")
	ids := body[:2]
	unmatched := -1
	for _, reply := range call.replies {
		record := r.journal.At(reply.record)
		if sim.BodyHash(record.Body) != hash || !sameIDs(ids, &record) {
			continue
		}
		if reply.fromTarget {
			r.addReplyDelay(call, m, &reply)
			r.hasRead(call.node, reply.step)
			if call.echo != 0 && text(body[2]) == "echo_ok" && sim.BodyHash(body[3]) != call.echo {
				r.addProblem(call, "wrong-echo", &record, "%v: the result at %s is %s, which echoes another payload; %s sent this reply to msg_id %d at %s",
					call, seconds(m.Sent), quote.Excerpt(result), call.target, reply.inReplyTo, seconds(record.Sent))
			}
			return
		}
		unmatched = reply.record
	}
	if record, ok := r.nodes[call.node].unmatched[hash]; ok && unmatched < 0 {
		if m := r.journal.At(record); sameIDs(ids, &m) {
			unmatched = record
		}
	}
	if unmatched >= 0 {
		reply := r.journal.At(unmatched)
		r.addProblem(call, "unmatched-reply", m, "%v: the result at %s is a reply from %s to msg_id %d, %s",
			call, seconds(m.Sent), reply.Src, reply.InReplyTo, whyUnmatched(call, &reply))
		return
	}
	r.addProblem(call, "wrong-result", m, "%v: the result at %s is %s; no such reply from %s to one of the call's %d attempts was delivered to %s before",
		call, seconds(m.Sent), quote.Excerpt(result), call.target, len(call.attempts), call.node)
}

func whyUnmatched(call *relayCall, reply *sim.Record) string {
	if slices.ContainsFunc(call.attempts, func(a relayAttempt) bool { return a.id == reply.InReplyTo }) {
		return "which was sent to " + call.target
	}
	return "which is not an attempt of this call"
}

// sameIDs reports whether a result's msg_id and in_reply_to are those of a reply. A
// relay may omit them.
func sameIDs(ids []jsontext.Value, reply *sim.Record) bool {
	for i, want := range []int64{reply.ID, reply.InReplyTo} {
		if id, _ := integer(ids[i]); ids[i] != nil && id != want {
			return false
		}
	}
	return true
}

// refusals are the codes with which a relay may refuse a call before the first
// attempt: not supported, temporarily unavailable, malformed request.
var refusals = []int64{10, 11, 12}

// checkError checks an error reply.
func (r *relayCheck) checkError(call *relayCall, m *sim.Record) {
	n := len(call.attempts)
	code, _ := integer(r.read.member(m.Body, "code"))
	if n == 0 && slices.Contains(refusals, code) {
		r.count.refused++
		return
	}
	if slices.ContainsFunc(call.replies, func(reply relayReply) bool { return r.isError(reply, code) }) {
		return // the relay passes the target's error on
	}
	for _, reply := range call.replies {
		if r.mustHaveRead(call, &reply, m.Sent) {
			r.addProblem(call, "reply-lost", m, "%v: an error at %s, but %s's reply to msg_id %d was delivered at %s",
				call, seconds(m.Sent), reply.src, reply.inReplyTo, seconds(reply.at))
			return
		}
	}
	if n > 0 && history.IsDefinite(code) && !r.failedDefinitely(call) {
		r.addProblem(call, "false-definite", m, "%v: an error at %s with the definite code %d, but not all of its %d attempts got an error reply with a definite code",
			call, seconds(m.Sent), code, n)
	}
	switch p := call.policy; {
	case call.copies > 1, p != nil && p.Deadline > 0 && m.Sent-call.arrived >= time.Duration((1-relayEarly)*float64(p.Deadline)):
	case n < call.maxAttempts && (p == nil || !p.MayStop || n == 0):
		r.addProblem(call, "gave-up-early", m, "%v: an error at %s after %d attempts; the relay must make %d",
			call, seconds(m.Sent), n, call.maxAttempts)
	default:
		last := call.attempts[n-1]
		if !r.gotRetriedError(call) && r.tooSoon(call, n, m.Sent, true) {
			r.addProblem(call, "error-too-soon", m, "%v: an error at %s, %v after the last attempt (msg_id %d), %v after the request; the timeout is %v",
				call, seconds(m.Sent), round(m.Sent-last.at), last.id, round(m.Sent-call.arrived), call.least(call.maxAttempts))
		}
	}
}

// mustHaveRead reports whether a node must have read a reply from the target when
// it sent something, and must not ignore the reply.
func (r *relayCheck) mustHaveRead(call *relayCall, reply *relayReply, at time.Duration) bool {
	limit := max(relayUnread, call.timeout)
	if reply.step < r.nodes[call.node].readUpTo {
		limit = relayRace
	}
	return reply.fromTarget && !(reply.late && r.config.IgnoreLate) &&
		at-reply.at > limit+2*max(r.lag(reply.at), r.lag(at)) && !r.pauses.between(call.node, reply.at, at)
}

// failedDefinitely reports whether each attempt of a call got an error reply with a
// definite code.
func (r *relayCheck) failedDefinitely(call *relayCall) bool {
	return !slices.ContainsFunc(call.attempts, func(a relayAttempt) bool {
		return !slices.ContainsFunc(call.replies, func(reply relayReply) bool {
			m := r.journal.At(reply.record)
			code, ok := integer(r.read.member(m.Body, "code"))
			return reply.inReplyTo == a.id && reply.fromTarget && m.Type == "error" && ok && history.IsDefinite(code)
		})
	})
}

// isError reports whether a reply of the target is an error with a code.
func (r *relayCheck) isError(reply relayReply, code int64) bool {
	m := r.journal.At(reply.record)
	replyCode, ok := integer(r.read.member(m.Body, "code"))
	return reply.fromTarget && m.Type == "error" && ok && replyCode == code
}

package checker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
)

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
		limit += time.Duration(call.promised) * (call.timeout + r.config.Backoff)
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
	to.call.records = append(to.call.records, m.Index)
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
			r.answeredAgain(m, d)
		}
	}
	call := r.requests[request]
	if call == nil {
		return
	}
	call.records = append(call.records, m.Index)
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

// answeredAgain tells of an answer too many, with those before it.
func (r *relayCheck) answeredAgain(m *sim.Record, d *duty) {
	call := r.requests[relayRequest{m.Dest, m.Src, m.InReplyTo}]
	if call == nil {
		r.found.add("double-answer", m.Sent, m.Index, "%s answered %s's request (msg_id %d) once more at %s: %d answers to %d delivered",
			m.Src, m.Dest, m.InReplyTo, seconds(m.Sent), d.answers, d.copies)
		return
	}
	var how []string
	for _, i := range append(slices.Clone(call.records), m.Index) {
		if answer := r.journal.At(i); answer.Src == call.node && answer.Dest == call.client && answer.InReplyTo == call.id && !answer.IsDuplicate() {
			how = append(how, r.by(call, &answer)+" at "+seconds(answer.Sent))
		}
	}
	delivered := ""
	if d.copies > 1 {
		delivered = fmt.Sprintf("; it was delivered %s", times(d.copies))
	}
	r.blame(call, "double-answer", m, "call %s/%d to %s was answered %s: %s%s",
		call.client, call.id, call.node, times(d.answers), strings.Join(how, ", and "), delivered)
}

func times(n int) string {
	if n == 2 {
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// by says what an answer came from: by which attempt, if that shows.
func (r *relayCheck) by(call *relayCall, answer *sim.Record) string {
	if answer.Type == "error" {
		code, _ := integer(r.read.member(answer.Body, "code"))
		return fmt.Sprintf("with error %d", code)
	}
	id, said := integer(r.read.member(r.read.member(answer.Body, "result"), "in_reply_to"))
	n := slices.IndexFunc(call.attempts, func(a relaySent) bool { return a.id == id })
	if !said || n < 0 {
		return "with " + answer.Type
	}
	by := fmt.Sprintf("by attempt %d", n+1)
	if slices.ContainsFunc(call.replies, func(reply relayReply) bool { return reply.inReplyTo == id && reply.late }) {
		by += ", late,"
	}
	return by
}

// good judges a relay_ok.
func (r *relayCheck) good(call *relayCall, m *sim.Record) {
	body := r.read.members(m.Body, "attempts", "result")
	attempts, ok := integer(body[0])
	result := body[1]
	if !ok || result.Kind() != '{' {
		r.blame(call, "malformed-answer", m, "%v: the answer at %s is %s: it wants an integer attempts and an object result",
			call, seconds(m.Sent), quote(m.Body))
		return
	}
	if call.shared {
		return
	}
	if call.copies == 1 && attempts != int64(len(call.attempts)) {
		r.blame(call, "wrong-count", m, "%v: the answer at %s says attempts %d, but %d were sent",
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
			r.handed(call, m, &reply)
			r.hasRead(call.node, reply.step)
			if call.echo != 0 && text(said[2]) == "echo_ok" && sim.BodyHash(said[3]) != call.echo {
				r.blame(call, "wrong-echo", &record, "%v: the result at %s is %s, which echoes something else; %s's reply to msg_id %d was sent at %s",
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
		r.blame(call, "stranger-believed", m, "%v: the result at %s is a reply from %s to msg_id %d, %s",
			call, seconds(m.Sent), s.Src, s.InReplyTo, r.whyStrange(call, &s))
		return
	}
	r.blame(call, "wrong-result", m, "%v: the result at %s is %s; no such reply of %s to one of its %d attempts had been delivered to %s",
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
			r.blame(call, "answer-lost", m, "%v: an error at %s, but %s's reply to msg_id %d had been delivered at %s",
				call, seconds(m.Sent), reply.src, reply.inReplyTo, seconds(reply.at))
			return
		}
	}
	if n > 0 && history.IsDefinite(code) && !call.refused(r) {
		r.blame(call, "false-definite", m, "%v: an error at %s with the code %d, which says that nothing happened, but of its %d attempts not every one was answered with such an error",
			call, seconds(m.Sent), code, n)
	}
	switch {
	case call.copies > 1:
	case n < call.promised:
		r.blame(call, "gave-up-early", m, "%v: an error at %s after %d attempts; %d were promised",
			call, seconds(m.Sent), n, call.promised)
	default:
		last := call.attempts[n-1]
		if r.early(call, n, m.Sent) {
			r.blame(call, "error-too-soon", m, "%v: an error at %s, %v after the last attempt (msg_id %d), %v after the request; the timeout is %v",
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

// refused reports whether each of a call's attempts was answered with an error
// that says that nothing happened.
func (c *relayCall) refused(r *relayCheck) bool {
	return !slices.ContainsFunc(c.attempts, func(a relaySent) bool {
		return !slices.ContainsFunc(c.replies, func(reply relayReply) bool {
			m := r.journal.At(reply.record)
			code, ok := integer(r.read.member(m.Body, "code"))
			return reply.inReplyTo == a.id && reply.asked && m.Type == "error" && ok && history.IsDefinite(code)
		})
	})
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
	r.tempos()
	r.involve()
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

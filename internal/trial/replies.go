package trial

import (
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/workload"
)

// What a node writes counts, also if nobody waits for it. A client that has given up, or whose
// node was killed while the reply was under way, does not learn the result, but the
// node has claimed it: the id that it returned is used, the value that it read was
// there, the write that it acknowledged was done. A correct node cannot know whether
// its reply arrives. So a reply that the client does not get in time ends the operation
// at the time when it was written.

// A reply is a line that a node wrote to a client.
type reply struct {
	line   int64 // the number of the line in the node's output
	record int   // the index of the message in the journal
}

// A clientRequest identifies a client's request.
type clientRequest struct {
	client string
	id     int64
}

// An endedRequest is a request for which its client no longer waits, and to which
// replies still count: the client has given up, or the network has delivered the
// request more than once.
type endedRequest struct {
	op      int // the index of its operation in the history
	req     workload.Request
	record  int             // the index of the request in the journal
	copies  int             // how many copies the network made
	ended   time.Duration   // when the operation ended for the client
	outcome history.Outcome // of the operation in the history
	failed  int             // how many copies definitely failed
}

// replied records a reply of a node to a client.
func (t *Trial) replied(m *message.Message, line int64, record int) {
	if c := t.byClient[m.Dest]; c != nil {
		if c.op >= 0 && t.answers(m, c.req.Node, c.id) {
			c.replies = append(c.replies, reply{line, record})
			return
		}
	}
	if e := t.ended[clientRequest{m.Dest, m.InReplyTo}]; e != nil && t.answers(m, e.req.Node, m.InReplyTo) {
		t.lateReply(e, m, reply{line, record}, t.now)
	}
}

// judge judges replies that were written before the client's operation ended, and that
// it did not get.
func (t *Trial) judge(e *endedRequest, written []reply) {
	for _, reply := range written {
		m := t.net.Journal().At(reply.record)
		t.lateReply(e, &m.Message, reply, m.Sent)
	}
}

// lateReply adds to the history what a reply says that its client does not get.
func (t *Trial) lateReply(e *endedRequest, m *message.Message, written reply, at time.Duration) {
	end, wrong := t.read(&e.req, m)
	if wrong != "" {
		t.wrongBody(m, written, wrong)
		return
	}
	end.At = at
	if end.Outcome == history.Fail {
		e.failed++
	}
	switch {
	case end.Outcome == history.Indefinite: // says nothing
	case e.outcome != history.OK && end.Outcome == history.OK,
		e.outcome == history.Indefinite && e.failed == e.copies:
		e.outcome, end.GaveUp = end.Outcome, e.ended
		t.history.End(e.op, end)
	case len(end.Result) > 0 || end.Outcome == history.Fail:
		t.history.Again(e.op, end)
	}
}

// settle ends a client's operation with one of the replies to a request that was
// delivered more than once. A definite failure says only that one copy had no effect.
func (t *Trial) settle(c *client, end history.End, with int) {
	e := &endedRequest{op: c.op, req: c.req, copies: c.copies, record: c.record, ended: t.now, outcome: end.Outcome}
	t.ended[clientRequest{c.name, c.id}] = e
	others := append(c.replies[:with:with], c.replies[with+1:]...)
	c.replies = nil
	if end.Outcome != history.Fail {
		t.finish(c, end)
		t.judge(e, others)
		return
	}
	e.outcome, e.failed = history.Indefinite, 1
	maybe := end
	maybe.Outcome = history.Indefinite
	t.finish(c, maybe)
	end.At = t.now
	t.history.Again(e.op, end)
	t.judge(e, others)
}

// read returns how a reply to a request ends its operation. wrong says what is wrong
// with the reply, if the request does not allow it. Then the end is indefinite.
func (t *Trial) read(req *workload.Request, m *message.Message) (end history.End, wrong string) {
	indefinite := func(why, wrong string) (history.End, string) {
		return history.End{Outcome: history.Indefinite, Error: why}, wrong
	}
	switch m.Type {
	case req.Want:
		result, err := t.load.Read(req, m.Body)
		if err != nil {
			return indefinite("a reply with a wrong body", err.Error())
		}
		return history.End{Outcome: history.OK, Result: result}, ""
	case "error":
		code, ok := canonical.Int(workload.Member(m.Body, "code"))
		if !ok {
			return indefinite("an error reply without a code", "has no integer code")
		}
		outcome := history.Indefinite
		if history.IsDefinite(code) {
			outcome = history.Fail
		}
		return history.End{Outcome: outcome, Code: code, Error: fmt.Sprintf("error %d: %s", code, workload.Member(m.Body, "text"))}, ""
	}
	return indefinite("a reply with a wrong type", fmt.Sprintf("the reply to %s must be %s or error", req.Type, req.Want))
}

// wrongBody adds a violation for a reply that the request does not allow.
func (t *Trial) wrongBody(m *message.Message, written reply, why string) {
	n := t.byName[m.Src]
	if t.violations.count(n.name, "wrong-body") {
		t.violations.keep(&Violation{Node: n.name, Kind: "wrong-body", Text: m.Type + ": " + why, Incarnation: n.incarnation.number,
			Line: written.line, Bytes: int64(len(m.Body)), Quote: quote.Excerpt(m.Body), At: t.now, Message: written.record})
	}
}

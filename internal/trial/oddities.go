package trial

import (
	"fmt"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
)

// WarningKinds are the kinds of warnings. A warning is about what nodes say to each
// other, or about an id that no client and no service reads. Meaning says what the
// node did.
var WarningKinds = []struct{ Kind, Meaning string }{
	{"reused-id", "it used a msg_id again in one incarnation"},
	{"unrequested-node-reply", "it replied to a message of another node that was no request"},
	{"extra-node-reply", "it sent another node more replies to a request than copies of it were delivered"},
	{"no-type", "it sent another node a body without a type"},
	{"odd-id", "it wrote an id that is null or is not an integer from 0 to 2^63-1"},
	{"null-src", "it wrote null as its src before it had replied to init"},
	{"forwarded", "it passed a client's request on to another node under the client's name"},
	{"other-replier", "it replied to a client that had asked another node"},
}

// oddity adds a warning. In a strict workload it is a violation of the same kind.
func (t *Trial) oddity(n *node, line *Line, kind, format string, args ...any) {
	if t.cfg.Spec.Strict {
		t.lineViolation(n, line, kind, format, args...)
		return
	}
	t.warn(n, line, kind, format, args...)
}

// warn adds a warning.
func (t *Trial) warn(n *node, line *Line, kind, format string, args ...any) {
	if t.warnings.count(n.name, kind) {
		t.addLine(&t.warnings, n, line, kind, fmt.Sprintf(format, args...))
	}
}

// isBetweenNodes reports whether a message to dest is the nodes' own affair.
func (t *Trial) isBetweenNodes(dest string) bool { return t.byName[dest] != nil && !t.cfg.Spec.Strict }

// checkFlaws checks what is unusual in a message. It returns false if the message is
// not sent, because a client or a service cannot read it.
func (t *Trial) checkFlaws(n *node, line *Line, m *message.Message, flaws []message.Flaw) bool {
	for _, f := range flaws {
		switch {
		case f.Kind == message.Further:
			t.noteFurther(n, f.Field)
		case f.Field == "src" && n.state == starting && !t.cfg.Spec.Strict:
			m.Src = n.name
			t.warn(n, line, "null-src", "a message to %s", m.Dest)
		case f.Kind == message.Null && f.Field != "src":
			t.warn(n, line, "odd-id", "%s is null, towards %s", f.Field, m.Dest)
		case f.Kind == message.Large && f.Field == "msg_id" && !t.cfg.Spec.Strict:
			t.warn(n, line, "odd-id", "%s is %s, towards %s", f.Field, message.Member(m.Body, f.Field), m.Dest)
		case f.Field == "src" || !t.isBetweenNodes(m.Dest):
			t.lineViolation(n, line, "not-message", "%s", f.Text)
			return false
		case f.Field == "type":
			t.warn(n, line, "no-type", "%s, towards %s", f.Text, m.Dest)
		default:
			t.warn(n, line, "odd-id", "%s, towards %s", f.Text, m.Dest)
		}
	}
	return true
}

// checkSrc checks the src of a message. It returns false if the message is not sent.
func (t *Trial) checkSrc(n *node, line *Line, m *message.Message) bool {
	switch {
	case m.Src == n.name:
	case t.isBetweenNodes(m.Dest) && t.isClient(m.Src):
		t.warn(n, line, "forwarded", "the %s of %s, to %s", m.Type, m.Src, m.Dest)
	default:
		t.lineViolation(n, line, "wrong-src", "sent a message with src %q", m.Src)
		return false
	}
	return true
}

// checkID checks that the msg_id of a message is new.
func (t *Trial) checkID(n *node, line *Line, m *message.Message) {
	if m.Src == n.name && m.ID != message.None && !copiesID(m) && n.incarnation.ids.add(m.ID) > 1 {
		t.oddity(n, line, "reused-id", "msg_id %d, towards %s", m.ID, m.Dest)
	}
}

// copiesID reports whether a reply has the msg_id of its request as its own. Many
// programs reply with the request's body and another type, and leave the msg_id in
// it. This does no harm, because there is no reply to a reply. Such ids occur more
// than once, because each client numbers its own requests.
func copiesID(m *message.Message) bool { return m.IsReply() && m.ID == m.InReplyTo }

// checkReply compares a reply with the requests that were delivered to the node. A
// client may get its reply from any node, since nodes may pass its request on.
func (t *Trial) checkReply(n *node, line *Line, m *message.Message) {
	if !m.IsReply() || m.Src != n.name {
		return
	}
	requests := n.incarnation.requestsFrom(m.Dest)
	copies, replies := requests.copies.count(m.InReplyTo), requests.replies.add(m.InReplyTo)
	report, to := t.lineViolation, ""
	switch {
	case m.Dest == "c0" || t.cfg.Spec.Strict:
	case t.isClient(m.Dest):
		asked := t.copiesOf(m.Dest).count(m.InReplyTo)
		t.passedOn = t.passedOn || copies == 0 && asked > 0
		if copies = asked; t.passedOn {
			replies = t.repliesOfAll(m.Dest, m.InReplyTo)
		}
	case t.byName[m.Dest] != nil:
		report, to = t.warn, "-node"
	}
	switch {
	case copies == 0:
		report(n, line, "unrequested"+to+"-reply", "replied to message %d of %s, which was not delivered to it as a request", m.InReplyTo, m.Dest)
	case replies > copies:
		report(n, line, "extra"+to+"-reply", "sent %d replies to message %d of %s, of which %d copies were delivered", replies, m.InReplyTo, m.Dest, copies)
	}
}

// copiesOf counts the delivered copies of a client's requests, whichever node got them.
func (t *Trial) copiesOf(client string) *idCounts {
	of := t.asked[client]
	if of == nil {
		of = &idCounts{}
		if t.asked == nil {
			t.asked = map[string]*idCounts{}
		}
		t.asked[client] = of
	}
	return of
}

// repliesOfAll returns how many replies to a client's request all nodes have sent, each
// in its current incarnation.
func (t *Trial) repliesOfAll(client string, id int64) (count int) {
	for _, n := range t.nodes {
		if requests := n.incarnation.requests[client]; requests != nil {
			count += requests.replies.count(id)
		}
	}
	return count
}

// countRequest counts a delivered message with a msg_id, for checkReply. What a node
// has passed on under the name of a client is not one more request of the client.
func (t *Trial) countRequest(n *node, d *sim.Delivery) {
	n.incarnation.requestsFrom(d.Src).copies.add(d.ID)
	if t.cfg.Spec.Strict || !t.isClient(d.Src) {
		return
	}
	if len(t.forwarded) > 0 {
		record := t.net.Journal().At(d.Record)
		if t.forwarded[record.Index] || t.forwarded[record.Of] {
			return
		}
	}
	t.copiesOf(d.Src).add(d.ID)
}

// checkReplier adds a warning if a reply settles the request of a client that had
// asked another node.
func (t *Trial) checkReplier(n *node, line *Line, m *message.Message) {
	asked := ""
	if c := t.byClient[m.Dest]; c != nil && c.op >= 0 && m.InReplyTo == c.id {
		asked = c.req.Node
	} else if e := t.ended[clientRequest{m.Dest, m.InReplyTo}]; e != nil {
		asked = e.req.Node
	}
	if asked != "" && asked != n.name {
		t.oddity(n, line, "other-replier", "%s had asked %s", m.Dest, asked)
	}
}

// answers reports whether a delivered message is the reply to a client's request.
func (t *Trial) answers(d *message.Message, asked string, id int64) bool {
	return d.InReplyTo == id && (d.Src == asked || !t.cfg.Spec.Strict && t.byName[d.Src] != nil)
}

package runner

import (
	"fmt"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/cluster"
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
func (r *runner) oddity(n *node, e *cluster.Event, kind, format string, args ...any) {
	if r.cfg.Spec.Strict {
		r.lineViolation(n, e, kind, format, args...)
		return
	}
	r.warn(n, e, kind, format, args...)
}

// warn adds a warning.
func (r *runner) warn(n *node, e *cluster.Event, kind, format string, args ...any) {
	if r.warnings.count(n.name, kind) {
		r.addLine(&r.warnings, n, e, kind, fmt.Sprintf(format, args...))
	}
}

// isBetweenNodes reports whether a message to dest is the nodes' own affair.
func (r *runner) isBetweenNodes(dest string) bool { return r.byName[dest] != nil && !r.cfg.Spec.Strict }

// checkFlaws checks what is unusual in a message. It returns false if the message is
// not sent, because a client or a service cannot read it.
func (r *runner) checkFlaws(n *node, e *cluster.Event, m *message.Message, flaws []message.Flaw) bool {
	for _, f := range flaws {
		switch {
		case f.Field == "src" && n.state == starting && !r.cfg.Spec.Strict:
			m.Src = n.name
			r.warn(n, e, "null-src", "a message to %s", m.Dest)
		case f.Kind == message.Null && f.Field != "src":
			r.warn(n, e, "odd-id", "%s is null, towards %s", f.Field, m.Dest)
		case f.Kind == message.Large && f.Field == "msg_id" && !r.cfg.Spec.Strict:
			r.warn(n, e, "odd-id", "%s is %s, towards %s", f.Field, message.Member(m.Body, f.Field), m.Dest)
		case f.Field == "src" || !r.isBetweenNodes(m.Dest):
			r.lineViolation(n, e, "not-message", "%s", f.Text)
			return false
		case f.Field == "type":
			r.warn(n, e, "no-type", "%s, towards %s", f.Text, m.Dest)
		default:
			r.warn(n, e, "odd-id", "%s, towards %s", f.Text, m.Dest)
		}
	}
	return true
}

// checkSrc checks the src of a message. It returns false if the message is not sent.
func (r *runner) checkSrc(n *node, e *cluster.Event, m *message.Message) bool {
	switch {
	case m.Src == n.name:
	case r.isBetweenNodes(m.Dest) && r.isClient(m.Src):
		r.warn(n, e, "forwarded", "the %s of %s, to %s", m.Type, m.Src, m.Dest)
	default:
		r.lineViolation(n, e, "wrong-src", "sent a message with src %q", m.Src)
		return false
	}
	return true
}

// checkID checks that the msg_id of a message is new.
func (r *runner) checkID(n *node, e *cluster.Event, m *message.Message) {
	if m.Src == n.name && m.ID != message.None && !copiesID(m) && n.incarnation.ids.add(m.ID) > 1 {
		r.oddity(n, e, "reused-id", "msg_id %d, towards %s", m.ID, m.Dest)
	}
}

// copiesID reports whether a reply has the msg_id of its request as its own. Many
// programs reply with the request's body and another type, and leave the msg_id in
// it. This does no harm, because there is no reply to a reply. Such ids occur more
// than once, because each client numbers its own requests.
func copiesID(m *message.Message) bool { return m.IsReply() && m.ID == m.InReplyTo }

// checkReply compares a reply with the requests that were delivered to the node. A
// client may get its reply from any node, since nodes may pass its request on.
func (r *runner) checkReply(n *node, e *cluster.Event, m *message.Message) {
	if !m.IsReply() || m.Src != n.name {
		return
	}
	requests := n.incarnation.requestsFrom(m.Dest)
	copies, replies := requests.copies.count(m.InReplyTo), requests.replies.add(m.InReplyTo)
	report, to := r.lineViolation, ""
	switch {
	case m.Dest == "c0" || r.cfg.Spec.Strict:
	case r.isClient(m.Dest):
		asked := r.copiesOf(m.Dest).count(m.InReplyTo)
		r.passedOn = r.passedOn || copies == 0 && asked > 0
		if copies = asked; r.passedOn {
			replies = r.repliesOfAll(m.Dest, m.InReplyTo)
		}
	case r.byName[m.Dest] != nil:
		report, to = r.warn, "-node"
	}
	switch {
	case copies == 0:
		report(n, e, "unrequested"+to+"-reply", "replied to message %d of %s, which was not delivered to it as a request", m.InReplyTo, m.Dest)
	case replies > copies:
		report(n, e, "extra"+to+"-reply", "sent %d replies to message %d of %s, of which %d copies were delivered", replies, m.InReplyTo, m.Dest, copies)
	}
}

// copiesOf counts the delivered copies of a client's requests, whichever node got them.
func (r *runner) copiesOf(client string) *idCounts {
	of := r.asked[client]
	if of == nil {
		of = &idCounts{}
		if r.asked == nil {
			r.asked = map[string]*idCounts{}
		}
		r.asked[client] = of
	}
	return of
}

// repliesOfAll returns how many replies to a client's request all nodes have sent, each
// in its current incarnation.
func (r *runner) repliesOfAll(client string, id int64) (count int) {
	for _, n := range r.nodes {
		if requests := n.incarnation.requests[client]; requests != nil {
			count += requests.replies.count(id)
		}
	}
	return count
}

// countRequest counts a delivered message with a msg_id, for checkReply. What a node
// has passed on under the name of a client is not one more request of the client.
func (r *runner) countRequest(n *node, d *sim.Delivery) {
	n.incarnation.requestsFrom(d.Src).copies.add(d.ID)
	if r.cfg.Spec.Strict || !r.isClient(d.Src) {
		return
	}
	if len(r.forwarded) > 0 {
		record := r.net.Journal().At(d.Record)
		if r.forwarded[record.Index] || r.forwarded[record.Of] {
			return
		}
	}
	r.copiesOf(d.Src).add(d.ID)
}

// checkReplier adds a warning if a reply settles the request of a client that had
// asked another node.
func (r *runner) checkReplier(n *node, e *cluster.Event, m *message.Message) {
	asked := ""
	if c := r.byClient[m.Dest]; c != nil && c.op >= 0 && m.InReplyTo == c.id {
		asked = c.req.Node
	} else if e := r.ended[clientRequest{m.Dest, m.InReplyTo}]; e != nil {
		asked = e.req.Node
	}
	if asked != "" && asked != n.name {
		r.oddity(n, e, "other-replier", "%s had asked %s", m.Dest, asked)
	}
}

// answers reports whether a delivered message is the reply to a client's request.
func (r *runner) answers(d *message.Message, asked string, id int64) bool {
	return d.InReplyTo == id && (d.Src == asked || !r.cfg.Spec.Strict && r.byName[d.Src] != nil)
}

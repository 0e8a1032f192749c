package runner

import (
	"fmt"
	"strconv"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/history"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/workload"
	"github.com/eddyrpc/eddy/internal/message"
)

// A client sends requests to one node, one after another.
type client struct {
	name    string // changes after an indefinite operation, because its reply may still arrive
	process int
	number  int // among the clients of the main phase
	node    *node
	next    int64 // the next msg_id
	op      int   // the index of its open operation in the history, or -1
	req     workload.Request
	id      int64         // the msg_id of the open request
	record  int           // the index of the open request in the journal
	line    int64         // the number of the node's line with the latest reply to it
	due     time.Duration // when the open request times out
}

// An expired request has timed out for its client. Late replies to it are still
// checked. The fields are those of client.
type expired struct {
	op  int
	req workload.Request
	id  int64

	record int
	line   int64
}

// noReply is the beginning of the error of an operation that timed out.
const noReply = "no reply within "

// newClient adds a client with a new name.
func (r *runner) newClient(n *node) *client {
	c := &client{node: n, op: -1}
	r.rename(c)
	r.clients = append(r.clients, c)
	return c
}

// rename gives a client a new name and process.
func (r *runner) rename(c *client) {
	delete(r.byClient, c.name)
	r.processes++
	c.process = r.processes
	c.name = "c" + strconv.Itoa(c.process)
	c.next = 0
	r.byClient[c.name] = c
	if r.carrier != nil {
		r.carrier.Join(c.name, c.node.name)
	}
}

// isClient reports whether a name is, or was, a client's.
func (r *runner) isClient(name string) bool {
	if !sim.IsClient(name) {
		return false
	}
	number, err := strconv.Atoi(name[1:])
	return err == nil && number <= r.processes
}

// request sends a client's next request.
func (r *runner) request(c *client, req workload.Request) {
	if req.Node == "" {
		req.Node = c.node.name
	}
	c.req, c.id = req, c.next
	c.line = 0
	c.due = r.now + r.cfg.timeout(r.inFinal)
	c.next++
	c.op = r.history.Begin(&history.Op{
		Process: c.process, Client: c.name, Node: req.Node, MsgID: c.id,
		F: req.F, Key: req.Key, Value: req.Value, From: r.now, Final: r.inFinal,
	})
	r.open++
	c.record = r.net.Send(r.now, message.Message{
		Src: c.name, Dest: req.Node, Type: req.Type,
		Body: message.WithID(req.Body, c.id),
		ID:   c.id, InReplyTo: message.None,
	})
}

// deliverToClient handles a message to a client.
func (r *runner) deliverToClient(d *sim.Delivery) {
	c := r.byClient[d.Dest]
	if e := r.expired[d.Dest]; e != nil {
		r.lateReply(e, d)
		return
	}
	if c == nil || c.op < 0 || d.InReplyTo != c.id || c.req.Node != d.Src {
		return // not a reply to the open request; violations were added when it was sent
	}
	switch d.Type {
	case c.req.Want:
		result, err := r.load.Read(&c.req, d.Body)
		if err != nil {
			r.wrongBody(d, c.line, err.Error())
			r.indefinite(c, "a reply with a wrong body")
			return
		}
		r.finish(c, history.End{Outcome: history.OK, Result: result})
	case "error":
		code, err := strconv.ParseInt(string(workload.Member(d.Body, "code")), 10, 64)
		if err != nil {
			r.wrongBody(d, c.line, "has no integer code")
			r.indefinite(c, "an error reply without a code")
			return
		}
		outcome := history.Indefinite
		if history.IsDefinite(code) {
			outcome = history.Fail
		}
		text := fmt.Sprintf("error %d: %s", code, workload.Member(d.Body, "text"))
		r.finish(c, history.End{Outcome: outcome, Code: code, Error: text})
	default:
		r.wrongBody(d, c.line, fmt.Sprintf("the reply to %s must be %s or error", c.req.Type, c.req.Want))
		r.indefinite(c, "a reply with a wrong type")
	}
}

// lateReply handles a reply to a request that has timed out. Its outcome does not
// change.
func (r *runner) lateReply(e *expired, d *sim.Delivery) {
	switch {
	case d.InReplyTo != e.id || e.req.Node != d.Src || d.Type == "error":
	case d.Type != e.req.Want:
		r.wrongBody(d, e.line, fmt.Sprintf("the reply to %s must be %s or error", e.req.Type, e.req.Want))
	default:
		if result, err := r.load.Read(&e.req, d.Body); err != nil {
			r.wrongBody(d, e.line, err.Error())
		} else if len(result) > 0 {
			r.history.Late(e.op, result)
		}
	}
}

// wrongBody adds a violation for a reply that the request does not allow.
func (r *runner) wrongBody(d *sim.Delivery, line int64, why string) {
	n := r.byName[d.Src]
	if n == nil {
		return
	}
	r.violations.add(Violation{Node: n.name, Kind: "wrong-body", Text: d.Type + ": " + why, Incarnation: n.incarnation.number,
		Line: line, Bytes: int64(len(d.Body)), Quote: quote.Excerpt(d.Body), At: r.now})
}

// finish ends a client's operation.
func (r *runner) finish(c *client, end history.End) {
	end.At = r.now
	r.history.End(c.op, end)
	r.open--
	r.outcomes[end.Outcome]++
	c.op = -1
	if end.Outcome == history.Indefinite {
		r.rename(c)
	}
	if listener, ok := r.load.(workload.Listener); ok && r.inMain {
		listener.Ended(&c.req, end.Outcome)
	}
	r.free = append(r.free, c)
}

// indefinite ends a client's operation as indefinite.
func (r *runner) indefinite(c *client, why string) {
	r.finish(c, history.End{Outcome: history.Indefinite, Error: why})
}

// checkTimeouts ends the operations that have timed out.
func (r *runner) checkTimeouts() {
	if r.open == 0 {
		return
	}
	for _, c := range r.clients {
		if c.op >= 0 && r.now >= c.due {
			r.expired[c.name] = &expired{op: c.op, req: c.req, id: c.id, record: c.record, line: c.line}
			r.indefinite(c, noReply+r.cfg.timeout(r.inFinal).String())
		}
	}
}

// endOperations ends the open operations on a node whose process has ended. A client
// with a connection would notice this at once. The operations are indefinite.
func (r *runner) endOperations(n *node) {
	for _, c := range r.clients {
		if c.op >= 0 && c.req.Node == n.name {
			r.indefinite(c, "the node's process ended")
		}
	}
}

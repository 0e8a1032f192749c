package runner

import (
	"slices"
	"strconv"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A client sends requests to one node, one after another.
type client struct {
	name    string // changes after an indefinite operation, because its reply may still arrive
	process int
	number  int64 // among the clients of the main phase, from 0
	asked   int64 // how often it has asked in the main phase
	node    *node
	next    int64 // the next msg_id
	op      int   // the index of its open operation in the history, or -1
	req     workload.Request
	id      int64         // the msg_id of the open request
	record  int           // the index of the open request in the journal
	copies  int           // how many copies of it the network made, lost ones included
	replies []reply       // the replies to it that its node has written
	due     time.Duration // when the open request times out

	session workload.Session // nil if it has not begun
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
	c.session = nil
	c.next = 1 // as in Maelstrom: some programs take 0 for no id
	if r.cfg.Spec.Strict {
		c.next = 0
	}
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
	c.req, c.id, c.replies = req, c.next, c.replies[:0]
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
	c.copies = r.net.Journal().Len() - c.record
}

// deliverToClient handles a message to a client.
func (r *runner) deliverToClient(d *sim.Delivery) {
	c := r.byClient[d.Dest]
	if c == nil || c.op < 0 || !r.answers(&d.Message, c.req.Node, c.id) {
		return // not a reply to the open request; it was judged when it was sent
	}
	record := d.Record
	if d.Duplicate {
		m := r.net.Journal().At(record)
		record = m.Of
	}
	at := slices.IndexFunc(c.replies, func(reply reply) bool { return reply.record == record })
	if at < 0 {
		return // the node did not write it
	}
	written := c.replies[at]
	end, wrong := r.read(&c.req, &d.Message)
	if wrong != "" {
		r.wrongBody(&d.Message, written, wrong)
	}
	if c.copies > 1 {
		r.settle(c, end, at)
		return
	}
	r.finish(c, end)
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

// giveUp ends a client's operation without a reply. What its node has written counts.
func (r *runner) giveUp(c *client, why string) {
	e := &endedRequest{op: c.op, req: c.req, copies: c.copies, record: c.record, ended: r.now, outcome: history.Indefinite}
	r.ended[clientRequest{c.name, c.id}] = e
	written := c.replies
	c.replies = nil
	r.finish(c, history.End{Outcome: history.Indefinite, Error: why})
	r.judge(e, written)
}

// checkTimeouts ends the operations that have timed out.
func (r *runner) checkTimeouts() {
	if r.open == 0 {
		return
	}
	for _, c := range r.clients {
		if c.op >= 0 && r.now >= c.due {
			r.giveUp(c, noReply+r.cfg.timeout(r.inFinal).String())
		}
	}
}

// endOperations ends the open operations on a node whose process has ended. A client
// with a connection would notice this at once. The operations are indefinite, unless
// the node has written replies that are under way.
func (r *runner) endOperations(n *node) {
	for _, c := range r.clients {
		if c.op >= 0 && c.req.Node == n.name {
			r.giveUp(c, "the node's process ended")
		}
	}
}

// endTest judges the replies that were written to requests that are still open when
// the test ends.
func (r *runner) endTest() {
	for _, c := range r.clients {
		if c.op >= 0 && len(c.replies) > 0 {
			r.giveUp(c, "the test ended")
		}
	}
}

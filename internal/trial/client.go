package trial

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
func (t *Trial) newClient(n *node) *client {
	c := &client{node: n, op: -1}
	t.rename(c)
	t.clients = append(t.clients, c)
	return c
}

// rename gives a client a new name and process.
func (t *Trial) rename(c *client) {
	delete(t.byClient, c.name)
	t.lastProcess++
	c.process = t.lastProcess
	c.name = "c" + strconv.Itoa(c.process)
	c.session = nil
	c.next = 1 // as in Maelstrom: some programs take 0 for no id
	if t.cfg.Spec.Strict {
		c.next = 0
	}
	t.byClient[c.name] = c
	if t.carrier != nil {
		t.carrier.Join(c.name, c.node.name)
	}
}

// isClient reports whether a name is, or was, a client's.
func (t *Trial) isClient(name string) bool {
	if !sim.IsClient(name) {
		return false
	}
	number, err := strconv.Atoi(name[1:])
	return err == nil && number <= t.lastProcess
}

// request sends a client's next request.
func (t *Trial) request(c *client, req workload.Request) {
	if req.Node == "" {
		req.Node = c.node.name
	}
	c.req, c.id, c.replies = req, c.next, c.replies[:0]
	c.due = t.now + t.cfg.timeout(t.inFinal)
	c.next++
	c.op = t.history.Begin(&history.Op{
		Process: c.process, Client: c.name, Node: req.Node, MsgID: c.id,
		F: req.F, Key: req.Key, Value: req.Value, From: t.now, Final: t.inFinal,
	})
	t.open++
	c.record = t.net.Send(t.now, message.Message{
		Src: c.name, Dest: req.Node, Type: req.Type,
		Body: message.WithID(req.Body, c.id),
		ID:   c.id, InReplyTo: message.None,
	})
	c.copies = t.net.Journal().Len() - c.record
}

// deliverToClient handles a message to a client.
func (t *Trial) deliverToClient(d *sim.Delivery) {
	c := t.byClient[d.Dest]
	if c == nil || c.op < 0 || !t.answers(&d.Message, c.req.Node, c.id) {
		return // not a reply to the open request; it was judged when it was sent
	}
	record := d.Record
	if d.Duplicate {
		m := t.net.Journal().At(record)
		record = m.Of
	}
	at := slices.IndexFunc(c.replies, func(reply reply) bool { return reply.record == record })
	if at < 0 {
		return // the node did not write it
	}
	written := c.replies[at]
	end, wrong := t.read(&c.req, &d.Message)
	if wrong != "" {
		t.wrongBody(&d.Message, written, wrong)
	}
	if c.copies > 1 {
		t.settle(c, end, at)
		return
	}
	t.finish(c, end)
}

// finish ends a client's operation.
func (t *Trial) finish(c *client, end history.End) {
	end.At = t.now
	t.history.End(c.op, end)
	t.open--
	t.outcomes[end.Outcome]++
	c.op = -1
	if end.Outcome == history.Indefinite {
		t.rename(c)
	}
	if listener, ok := t.load.(workload.Listener); ok && t.inMain {
		listener.Ended(&c.req, end.Outcome)
	}
	t.free = append(t.free, c)
}

// giveUp ends a client's operation without a reply. What its node has written counts.
func (t *Trial) giveUp(c *client, why string) {
	e := &endedRequest{op: c.op, req: c.req, copies: c.copies, record: c.record, ended: t.now, outcome: history.Indefinite}
	t.ended[clientRequest{c.name, c.id}] = e
	written := c.replies
	c.replies = nil
	t.finish(c, history.End{Outcome: history.Indefinite, Error: why})
	t.judge(e, written)
}

// checkTimeouts ends the operations that have timed out.
func (t *Trial) checkTimeouts() {
	if t.open == 0 {
		return
	}
	for _, c := range t.clients {
		if c.op >= 0 && t.now >= c.due {
			t.giveUp(c, noReply+t.cfg.timeout(t.inFinal).String())
		}
	}
}

// endOperations ends the open operations on a node whose process has ended. A client
// with a connection would notice this at once. The operations are indefinite, unless
// the node has written replies that are under way.
func (t *Trial) endOperations(n *node) {
	for _, c := range t.clients {
		if c.op >= 0 && c.req.Node == n.name {
			t.giveUp(c, "the node's process ended")
		}
	}
}

// judgeOpen judges the replies that were written to requests that are still open when
// the test ends.
func (t *Trial) judgeOpen() {
	for _, c := range t.clients {
		if c.op >= 0 && len(c.replies) > 0 {
			t.giveUp(c, "the test ended")
		}
	}
}

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

// A client asks one node one thing after another.
type client struct {
	name    string // changes after an answer that never came: who knows what still comes
	process int
	node    *node
	next    int64 // msg_id
	op      int   // the place of its open operation in the history, or -1
	req     workload.Request
	id      int64 // of the open request
	record  int   // its, in the journal
	line    int64 // the node's line with the latest reply to it
	due     time.Duration
}

// An expired request is one that its client has given up. What comes for it is
// still looked at.
type expired struct {
	op  int
	req workload.Request
	id  int64

	record int   // its request's, in the journal
	line   int64 // the node's line with the latest reply to it
}

// noAnswer begins the error of an operation that was not answered.
const noAnswer = "no answer within "

// newClient makes a client with a name that nobody had.
func (r *runner) newClient(n *node) *client {
	c := &client{node: n, op: -1}
	r.rename(c)
	r.clients = append(r.clients, c)
	return c
}

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

// ask makes a client's next request.
func (r *runner) ask(c *client, req workload.Request) {
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

// answer takes what came for a client.
func (r *runner) answer(d *sim.Delivery) {
	c := r.byClient[d.Dest]
	if e := r.expired[d.Dest]; e != nil {
		r.answerLate(e, d)
		return
	}
	if c == nil || c.op < 0 || d.InReplyTo != c.id || c.req.Node != d.Src {
		return // too late, or for nobody, which was judged when it was sent
	}
	switch d.Type {
	case c.req.Want:
		result, err := r.load.Read(&c.req, d.Body)
		if err != nil {
			r.wrongBody(d, c.line, err.Error())
			r.indefinite(c, "a reply of the wrong shape")
			return
		}
		r.finish(c, history.End{Outcome: history.OK, Result: result})
	case "error":
		code, err := strconv.ParseInt(string(workload.Member(d.Body, "code")), 10, 64)
		if err != nil {
			r.wrongBody(d, c.line, "an error without a code that is an integer")
			r.indefinite(c, "an error without a code")
			return
		}
		outcome := history.Indefinite
		if history.IsDefinite(code) {
			outcome = history.Fail
		}
		text := fmt.Sprintf("error %d: %s", code, workload.Member(d.Body, "text"))
		r.finish(c, history.End{Outcome: outcome, Code: code, Error: text})
	default:
		r.wrongBody(d, c.line, fmt.Sprintf("the reply to %s is a %s", c.req.Type, d.Type))
		r.indefinite(c, "a reply of another type")
	}
}

// answerLate takes what came for a request that was given up. Its outcome stays.
func (r *runner) answerLate(e *expired, d *sim.Delivery) {
	switch {
	case d.InReplyTo != e.id || e.req.Node != d.Src || d.Type == "error":
	case d.Type != e.req.Want:
		r.wrongBody(d, e.line, fmt.Sprintf("the reply to %s is a %s", e.req.Type, d.Type))
	default:
		if result, err := r.load.Read(&e.req, d.Body); err != nil {
			r.wrongBody(d, e.line, err.Error())
		} else if len(result) > 0 {
			r.history.Late(e.op, result)
		}
	}
}

// wrongBody reports a reply that the request does not allow.
func (r *runner) wrongBody(d *sim.Delivery, line int64, why string) {
	n := r.byName[d.Src]
	if n == nil {
		return
	}
	r.ward.add(Sickness{Node: n.name, Kind: "wrong-body", Text: d.Type + " " + why, Life: n.life.number,
		Line: line, Bytes: int64(len(d.Body)), Quote: quote.Excerpt(d.Body), At: r.now})
}

// finish ends a client's operation now.
func (r *runner) finish(c *client, end history.End) {
	end.At = r.now
	r.history.End(c.op, end)
	r.open--
	r.outcomes[end.Outcome]++
	c.op = -1
	if end.Outcome == history.Indefinite {
		r.rename(c)
	}
	r.free = append(r.free, c)
	r.news = true
}

// indefinite ends a client's operation that may have taken effect.
func (r *runner) indefinite(c *client, why string) {
	r.finish(c, history.End{Outcome: history.Indefinite, Error: why})
}

// checkTimeouts ends the operations that nobody answered.
func (r *runner) checkTimeouts() {
	if r.open == 0 {
		return
	}
	for _, c := range r.clients {
		if c.op >= 0 && r.now >= c.due {
			r.expired[c.name] = &expired{op: c.op, req: c.req, id: c.id, record: c.record, line: c.line}
			r.indefinite(c, noAnswer+r.cfg.timeout(r.inFinal).String())
		}
	}
}

// abandon ends the operations that a node can't answer any more: it is gone, as
// a client that has a connection would see at once. They may have taken effect.
func (r *runner) abandon(n *node) {
	for _, c := range r.clients {
		if c.op >= 0 && c.req.Node == n.name {
			r.indefinite(c, "the node ended meanwhile")
		}
	}
}

package eddy

import (
	"context"
	"os"
	"time"

	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
	"github.com/eddyrpc/eddy/retry"
)

// The life of a call: begin puts its first attempt on the wire; afterSilence sends
// another whenever one has waited in vain, as often as the policy allows; then a
// reply, the last silence or the end of its context ends it.

// A Policy says how often a call is attempted and how long it waits; nil and
// the zero value are the default: 3 attempts in all, 500 ms each.
type Policy = retry.Policy

// Late says what becomes of late replies: retry.Accept, the zero value, or
// retry.Ignore.
type Late = retry.Late

// LoadPolicy returns the preset of this name (default, patient, hedged, budgeted),
// or else reads the policy from the file of this name. Its JSON form is described
// in docs/policies.md and docs/policy.schema.json; the error names the field that
// is unknown or impossible.
func LoadPolicy(name string) (*Policy, error) { return retry.Find(name, os.ReadFile) }

// RPCWithRetry calls dest: it sends body, waits, on silence sends it again with
// a fresh msg_id, and gives up when the policy's attempts are used up. It
// returns the reply and how many attempts it took.
//
// The network may lose, delay, duplicate and reorder messages, so silence never
// tells whether the request, its reply or nothing at all was lost: what is
// called should bear being done twice. A reply to any attempt settles the call,
// also when a later attempt is already waiting.
//
// The body is a JSON object with a type: Raw, or any Go value that becomes one.
// An error reply is a reply: it is returned, and beside it an error that
// wraps its Code. When ctx ends, so does the call, at once.
func (n *Node) RPCWithRetry(ctx context.Context, dest string, body any, policy *Policy) (reply Message, attempts int, err error) {
	var w *waiter
	if co := n.coroutine(ctx); co != nil {
		w = co.call(order{ctx, dest, body, policy})
	} else {
		w = n.call(order{ctx, dest, body, policy})
	}
	reply, attempts, err = w.reply, w.attempts, w.err
	n.freeWaiter(w)
	return reply, attempts, err
}

// An order is what RPCWithRetry was given.
type order struct {
	ctx    context.Context
	dest   string
	body   any
	policy *Policy
}

// call makes a call and waits for its end. If that is for a handler, reading goes on
// elsewhere meanwhile.
func (n *Node) call(o order) *waiter {
	w := n.newWaiter()
	call, request, err := n.beginFor(o, w.done, nil)
	if err != nil {
		w.err = err
		return w
	}
	n.readOn(request)
	n.await(o.ctx, call, w)
	return w
}

// beginFor begins a call whose end done is told of, for the request whose handler
// has this ctx, if there is one. It may have room for it.
func (n *Node) beginFor(o order, done Callback, room *call) (*call, *Request, error) {
	if o.ctx.Err() != nil {
		return nil, nil, unsent(o.dest, context.Cause(o.ctx))
	}
	var d draft
	if err := d.read(o.dest, o.body); err != nil {
		return nil, nil, unsent(o.dest, err)
	}
	request, err := waitingRequest(o.ctx)
	if err != nil {
		return nil, nil, unsent(o.dest, err)
	}
	if request != nil && request.handler.node != n { // another node's in this process
		request.handler.node.readOn(request)
		request.release()
		request = nil
	}
	call, err := n.begin(n.ownContext(o.ctx), &d, o.policy, owner{request, done}, room)
	if err != nil {
		request.release()
		return nil, nil, err
	}
	return call, request, nil
}

// begin opens a call and sends its first attempt. ctx is noneOwn if the call
// ends only with the node. There may be room for it.
func (n *Node) begin(ctx context.Context, d *draft, policy *Policy, owner owner, room *call) (*call, error) {
	c := room
	if c == nil {
		c = new(call)
	}
	*c = call{Policy: policy, Owner: owner}
	start := n.startOf(ctx, policy, owner.request)
	again := policy.MaxAttempts() > 1 || start != nil
	if policy != nil && (policy.CallID || policy.Propagate) {
		if err := n.mark(d, policy); err != nil {
			return nil, unsent(d.dest, err)
		}
	}
	if again {
		c.Letter = n.letter(d)
	}
	if ctx == noneOwn {
		n.lockToWrite()
	} else {
		n.lockToCall(ctx)
	}
	defer n.mu.Unlock()
	if err := n.mayCall(ctx, d.dest, policy); err != nil {
		return nil, unsent(d.dest, err)
	}
	to := n.destination(d.dest)
	if start != nil {
		if err := n.guide(c, start, to); err != nil {
			return nil, err
		}
	}
	n.stats.Calls++
	to.calls++
	if again {
		n.attempt(c)
	} else {
		c.Letter = to.address
		n.onlyAttempt(c, d)
	}
	switch {
	case ctx == noneOwn:
		n.flushSoon()
	case n.out.busy == 0:
		n.flushElsewhere()
	}
	return c, nil
}

// attempt sends the call's message, once more or for the first time, with a
// fresh msg_id. Its timeout begins when it has been written out.
func (n *Node) attempt(c *call) (id int64) {
	id = n.nextID()
	n.writeAttempt(c, id)
	n.sent(c, id)
	return id
}

// onlyAttempt is attempt for a call that sends one message and keeps none.
func (n *Node) onlyAttempt(c *call, d *draft) {
	id := n.nextID()
	n.writeDraft(d, id)
	n.sent(c, id)
}

func (n *Node) sent(c *call, id int64) {
	n.calls.Sent(c, id)
	n.stats.Attempts++
}

// afterSilence does what the call's policy has said after its latest attempt has
// met silence: it sends another, or counts the call as failed. mu is held.
func (n *Node) afterSilence(c *call, step schedule.Action, g *guide, now time.Duration) silence {
	if step == schedule.Send {
		return n.again(c, g, now)
	}
	n.failed(c)
	if g == nil {
		return silence{call: c, err: (*silentCall)(c)}
	}
	return silence{call: c, err: guidedFailure(c, g, now)}
}

// again sends one more attempt. mu is held.
func (n *Node) again(c *call, g *guide, now time.Duration) silence {
	s := silence{call: c, waited: now - c.Attempt(c.Sent()).Written}
	if g != nil {
		s.err = g.Last
	}
	s.id = n.attempt(c)
	s.attempt = c.Sent()
	if r := c.Owner.request; r != nil && r.inline() {
		r.state.Or(hasRetried)
	}
	n.stats.Retries++
	n.destination(c.Letter.Dest()).retries++
	return s
}

// failed counts a call that has ended without a reply. mu is held.
func (n *Node) failed(c *call) {
	n.stats.Failures++
	n.destination(c.Letter.Dest()).failures++
}

// reply settles the call that a message answers, if there is one. What comes
// when its call is over, twice, or from a node that was not asked, is counted
// and dropped.
func (n *Node) reply(m *wire.Message) {
	reply := n.message(m)
	n.mu.Lock()
	src := n.senderOf(reply)
	c, attempt, arrival := n.calls.Settle(reply.InReplyTo, src)
	if arrival == calls.Guided {
		n.replyGuided(c, reply)
		return
	}
	n.count(arrival, src)
	n.sample(attempt, src)
	n.mu.Unlock()
	switch {
	case c == nil:
	case n.isError(reply):
		n.end(c, reply, failure(c, n.now(), reply.asError()))
	default:
		r := c.Owner.request // a coroutine that is woken may use c again at once
		if n.end(c, reply, nil) {
			n.reader.rooms.give(r, c)
		}
	}
}

// cancel ends a call, unless it is over.
func (n *Node) cancel(c *call, cause error) {
	n.mu.Lock()
	err := n.remove(c, cause)
	n.mu.Unlock()
	if err != nil {
		n.end(c, Message{}, err)
		n.wakeElsewhere()
	}
}

// remove takes a call out of the table. It returns what the call ends with, nil if it
// is over. mu is held.
func (n *Node) remove(c *call, cause error) *CallError {
	g := n.calls.Guide(c)
	if !n.calls.Remove(c) {
		return nil
	}
	n.failed(c)
	return cancelled(c, g, n.now(), cause)
}

// end tells whoever made the call. It is out of the table, so this happens once. It
// reports what tell does.
func (n *Node) end(c *call, reply Message, err error) (last bool) {
	last = n.tell(c.Owner, reply, c.Sent(), err)
	n.checkRest()
	return last
}

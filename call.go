package eddy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/caller"
	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/check"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
	"github.com/eddyrpc/eddy/retry"
)

// A call goes this way. begin encodes the body and sends the first attempt. Then one of
// three things comes: a reply (receiveReply), the timeout of the latest attempt, or the end
// of the context (Cancel). Package caller serves the timeouts: it sends another attempt as
// long as the policy allows one. At the end, endCall calls the owner's function.

// A Policy says how many attempts a call has, how long each waits for its reply, and
// what leads to another one. nil and the zero value are the default: 3 attempts in all,
// 500 ms each.
type Policy = retry.Policy

// Late says what becomes of late replies: retry.Accept, the zero value, or retry.Ignore.
type Late = retry.Late

// LoadPolicy returns the preset of this name (default, patient, hedged, budgeted), or else
// reads the policy from the file of this name. docs/policies.md describes its JSON form. An
// error names the field that is unknown or invalid.
func LoadPolicy(name string) (*Policy, error) { return retry.Find(name, os.ReadFile) }

// A Result is how a call ended.
type Result struct {
	Dest     string // the node that was called
	Reply    Message
	Attempts int   // how many messages were sent for the call
	Err      error // nil if Reply is a reply without an error

	request *Request
}

// Request returns the request for which [Request.Call] made the call, else nil. So a callback
// needs no closure, which an open call would keep in memory.
func (r Result) Request() *Request { return r.request }

// RPCWithRetry calls dest. It sends body and waits for the reply. If the reply does not come in
// time, it sends body again with a fresh msg_id, and gives up when the policy allows no further
// attempt. It returns the reply and how many attempts were sent.
//
// The body is a JSON object with a type: [Raw], or a Go value that [Marshal] makes one. A reply
// to any attempt settles the call, also when a later attempt already waits. An error reply is
// returned as the reply, together with an error that wraps its [Code]. All errors are a
// [*CallError]. When ctx ends, so does the call, at once.
//
// The network may lose, delay, duplicate and reorder messages. So a timeout does not
// tell whether the request, its reply or nothing was lost, and dest may serve a call
// twice; see [Dedup].
func (n *Node) RPCWithRetry(ctx context.Context, dest string, body any, policy *Policy) (reply Message, attempts int, err error) {
	ended := make(chan Result, 1)
	c, err := n.beginBlocking(ctx, dest, body, policy, func(r Result) {
		r.Reply = r.Reply.clone()
		ended <- r
	})
	if err != nil {
		return Message{}, 0, err
	}
	r := n.wait(ctx, c, ended)
	return r.Reply, r.Attempts, r.Err
}

// RPC calls dest with a single attempt of 500 ms.
func (n *Node) RPC(ctx context.Context, dest string, body any) (Message, error) {
	reply, _, err := n.RPCWithRetry(ctx, dest, body, &Policy{Attempts: 1})
	return reply, err
}

// Call is RPCWithRetry with a callback, so that no goroutine waits. done is called once, when
// the call has ended. It runs in the goroutine that reads the node's input, or in one that
// serves timeouts, so it must not block. The body of the reply is valid until done returns. An
// error means that the call did not begin; done is not called then.
func (n *Node) Call(ctx context.Context, dest string, body any, policy *Policy, done func(Result)) error {
	return n.call(ctx, dest, body, policy, owner{nil, done})
}

// Call is [Node.Call] for a request: the request stays open until done has returned,
// so that done can reply. The handler returns [Later].
func (r *Request) Call(ctx context.Context, dest string, body any, policy *Policy, done func(Result)) error {
	return r.handler.node.call(ctx, dest, body, policy, owner{r, done})
}

type call = calls.Call[owner]

// call begins a call with a callback.
func (n *Node) call(ctx context.Context, dest string, body any, policy *Policy, o owner) error {
	if ctx == nil || o.done == nil {
		return unsent(dest, cmp.Or(check.NotNil("the context", ctx), check.NotNil("the callback", o.done)))
	}
	c := &call{Policy: policy, Owner: o}
	if err := n.prepare(ctx, dest, body, c); err != nil {
		return err
	}
	if ctx.Done() == nil || n.endsWithNode(ctx) {
		return n.begin(ctx, dest, c)
	}
	stop := context.AfterFunc(ctx, func() {
		if n.isOpen() { // else the call has not begun, and will not
			n.calls.Cancel(c, context.Cause(ctx))
		}
	})
	c.Owner.done = func(r Result) {
		stop()
		o.done(r)
	}
	err := n.begin(ctx, dest, c)
	if err != nil {
		stop()
	}
	return err
}

// beginBlocking begins a call whose caller waits until done is called.
func (n *Node) beginBlocking(ctx context.Context, dest string, body any, policy *Policy, done func(Result)) (*call, error) {
	if ctx == nil {
		return nil, unsent(dest, errors.New("the context is nil"))
	}
	c := &call{Policy: policy, Blocking: true, Owner: owner{done: done}}
	if r := requestOf(ctx); r != nil && r.handler.node == n {
		if r.handler.inline {
			return nil, unsent(dest, errors.New("the inline handler of "+r.Type()+" would wait for a reply"))
		}
		c.Owner.request = r
	}
	if err := n.prepare(ctx, dest, body, c); err != nil {
		return nil, err
	}
	return c, n.begin(ctx, dest, c)
}

// wait waits for the end of a call, and ends it when ctx ends.
func (n *Node) wait(ctx context.Context, c *call, ended <-chan Result) Result {
	if ctx.Done() == nil || n.endsWithNode(ctx) { // the end of the node ends the call
		return <-ended
	}
	select {
	case r := <-ended:
		return r
	case <-ctx.Done():
		n.calls.Cancel(c, context.Cause(ctx))
		return <-ended
	}
}

// endsWithNode reports whether ctx is the context of a request of this node and has no
// deadline.
func (n *Node) endsWithNode(ctx context.Context) bool {
	r, ok := ctx.(*requestContext)
	return ok && r.handler.node == n
}

// prepare encodes the body of a call.
func (n *Node) prepare(ctx context.Context, dest string, body any, c *call) (err error) {
	if ctx.Err() != nil {
		return unsent(dest, context.Cause(ctx))
	}
	if err := c.Policy.Validate(); err != nil {
		return unsent(dest, fmt.Errorf("policy: %w", err))
	}
	if c.Fields, err = n.encode(body, c.Policy); err != nil {
		return unsent(dest, err)
	}
	n.watch(ctx, dest, c)
	return nil
}

// begin opens a call and sends its first attempt.
func (n *Node) begin(ctx context.Context, dest string, c *call) error {
	err := n.openCall(ctx, dest, c)
	n.calls.TellBegin(c, err)
	return err
}

func (n *Node) openCall(ctx context.Context, dest string, c *call) error {
	n.out.LockWithRoomOr(ctx)
	defer n.out.Unlock()
	if err := n.mayCall(ctx, dest); err != nil {
		return unsent(dest, err)
	}
	r := c.Owner.request
	if r != nil && !c.Blocking && r.state&holds == 0 {
		return unsent(dest, errors.New("the request is over"))
	}
	if d := n.calls.Begin(c, dest, n.scheduleStart(ctx, c.Policy)); d.Action == schedule.GiveUp {
		return &CallError{call: c, err: unsentCodes[d.Reason], reason: d.Reason}
	}
	if c.Blocking && (r == nil || n.inline.Load() || n.callsBack) {
		n.out.FlushSoon() // this may be where nothing may block, and no message would leave while it waits
		return nil
	}
	n.callsBack = n.callsBack || !c.Blocking
	if r != nil && !c.Blocking {
		r.state++
	}
	n.out.Flush()
	return nil
}

// mayCall returns why the node cannot begin a call now. The lock is held.
func (n *Node) mayCall(ctx context.Context, dest string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx) // it ended while the call waited for room
	}
	if n.noReplies {
		return errNoReplies
	}
	if open, bytes := int64(n.calls.Table.Open()), n.calls.Table.Bytes(); !n.hasRoom(open, bytes) {
		return overload("calls", open, bytes)
	}
	return n.maySend(dest)
}

// scheduleStart returns what the schedule of a call begins with, if the call needs one.
func (n *Node) scheduleStart(ctx context.Context, policy *Policy) (start schedule.Start) {
	meta := noDetails
	if r := requestOf(ctx); r != nil && r.handler.node == n {
		meta = detailsOf(r)
	}
	deadline := meta.deadline
	if at, ok := ctx.Deadline(); ok {
		deadline = min(deadline, max(at.Sub(n.start), 1))
	}
	if deadline != schedule.Never {
		start.Deadline = deadline
	} else if !schedule.Needed(policy) {
		return start
	}
	start.OnBehalfOfRetry = meta.retry
	start.CallNumber, start.Incarnation = n.process.NextCall(), n.process.Number()
	return start
}

var errNoReplies = errors.New("no reply can come any more")

// isError reports whether a reply is an error reply. In this mode every reply with a code
// other than 0 is one.
func (n *Node) isError(reply Message) bool {
	if reply.Type() == "error" || n.official == nil {
		return reply.Type() == "error"
	}
	code, ok := reply.Body.Get("code").Int()
	return ok && code != 0
}

// receiveReply settles the call that a message replies to. What comes when its call is
// over, or from a node that was not asked, is counted and dropped.
func (n *Node) receiveReply(m *wire.Message) {
	reply := n.message(m)
	r := calls.Reply{ID: reply.InReplyTo, Src: reply.Src, At: n.reader.readAt}
	if n.isError(reply) {
		e := reply.asError()
		r.Err = e
		r.Failure = &schedule.Failure{Code: int64(e.Code), Definite: e.Code.Definite(), RetryAfter: e.RetryAfter}
	}
	if end, ended := n.calls.Reply(r, reply.Body); ended {
		n.endCall(end, reply)
	}
}

// ended handles the end of a call without a reply.
func (n *Node) ended(end caller.End[owner]) { n.endCall(end, Message{}) }

// endCall calls the owner's function of a call that has ended.
func (n *Node) endCall(end caller.End[owner], reply Message) {
	c := end.Call
	o := c.Owner
	c.Owner = owner{} // an error that the user keeps must not keep it
	defer n.nudge()
	result := Result{Dest: c.Peer.Name, Reply: reply, Attempts: c.Sent()}
	if end.Action == schedule.GiveUp {
		result.Err = callError(end)
	}
	n.calls.TellEnd(end, reply.Body, result.Err)
	if c.Blocking {
		o.done(result)
		return
	}
	result.request = o.request
	if o.request != nil {
		defer o.request.release(false)
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); o.request != nil {
			o.request.abandoned(p)
		} else if p != nil {
			n.log.Panic("the callback of a call to "+bounded.Name(c.Peer.Name), p)
		}
	}()
	o.done(result)
	returned = true
}

// callError returns the error of a call that gave up or was cancelled.
func callError(end caller.End[owner]) *CallError {
	e := &CallError{end.Call, end.Err, end.Reason, end.At}
	switch {
	case end.Cause == nil:
	case end.Call.Schedule() != nil && errors.Is(end.Cause, context.DeadlineExceeded):
		e.reason = DeadlinePassed
	default:
		e.err = end.Cause
	}
	if e.err == nil {
		e.err = Timeout
	}
	return e
}

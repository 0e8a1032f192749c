package eddy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/observer"
	"github.com/eddyrpc/eddy/internal/outbox"
	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
)

// A Request is a message that a handler serves. If it has a msg_id it gets exactly one
// reply, whatever the handler does. A one-way message gets none.
type Request struct {
	Src  string
	ID   int64 // msg_id, or NoID for a one-way message
	Body Raw   // of an inline handler's request: valid until the handler returns

	handler *handler
	details *details      // nil if there are none
	arrived time.Duration // by the node's clock
	size    uint32        // in bytes: what counts for Node.MaxOpenBytes
	state   uint32        // see below; the lock of the node's outbox guards it
}

// The bits of a request's state: how often it is held, and what has happened. A request is
// held by its handler and by each of its open calls. It is over when nothing holds it.
const (
	isAnswered = 1 << 31
	isCounted  = 1 << 30 // among the open requests, as all but one that only its inline handler holds
	holds      = isCounted - 1
)

// Later is what a handler returns if a callback of [Request.Call] will reply. The
// request stays open until its last callback has returned.
const Later later = 0

type later uint8

var errAnswered = errors.New("the request has its reply already")

// Type returns the type of the message.
func (r *Request) Type() string { return r.handler.name }

// OneWay reports whether the message has no msg_id, so that nobody waits for a reply.
func (r *Request) OneWay() bool { return r.ID == NoID }

// Arrived returns when the message was read. Messages that came in one read have the same
// time, also if the node served some of them before this one.
func (r *Request) Arrived() time.Time { return r.handler.node.start.Add(r.arrived) }

// Decode stores the fields of the body in what v points to, see [Raw.Decode]. Its
// error has the code MalformedRequest.
func (r *Request) Decode(v any) error {
	if err := r.Body.Decode(v); err != nil {
		return &Error{Code: MalformedRequest, Text: err.Error()}
	}
	return nil
}

// Reply replies with a JSON object: [Raw], or a Go value that [Marshal] makes one. If the
// object has no type, it gets the request's with "_ok" appended. A msg_id and an in_reply_to
// in it are replaced. A second reply is an error. A reply to a one-way message does nothing.
func (r *Request) Reply(body any) error {
	raw, err := Marshal(body)
	if err != nil {
		return fmt.Errorf("reply to %s: %w", bounded.Name(r.Src), err)
	}
	return r.ReplyAs("", raw)
}

// ReplyAs replies with a raw body whose type is replaced by typ. It allocates no memory.
func (r *Request) ReplyAs(typ string, body Raw) error {
	var b wire.Body
	text, err := b.Read(body)
	if err != nil {
		return fmt.Errorf("reply to %s: %w", bounded.Name(r.Src), err)
	}
	if typ == "" && !b.HasType() && (r.handler.node.official == nil || !b.HasFields()) {
		typ = r.Type() + "_ok"
	}
	return r.reply(func(to outbox.To, keep bool) []byte {
		return r.handler.node.out.Reply(to, typ, text, &b, keep)
	})
}

// Fail replies with an error: with its [Code] and text, or with Crash if it has no
// code. If the error is a [CallError], or wraps one, that is not definite, the code
// is never a definite one.
func (r *Request) Fail(err error) error {
	e := errorReply(err)
	return r.reply(func(to outbox.To, keep bool) []byte {
		return r.handler.node.out.Error(to, int64(e.Code), e.Text, e.RetryAfter, keep)
	})
}

// reply adds the one reply to the outbox, by add. If keep is true, add returns a copy of
// the encoded fields.
func (r *Request) reply(add func(to outbox.To, keep bool) (fields []byte)) error {
	if r.OneWay() {
		return nil
	}
	n := r.handler.node
	n.out.LockWithRoom()
	if r.state&isAnswered != 0 || r.state&holds == 0 {
		n.out.Unlock()
		return errAnswered
	}
	r.state |= isAnswered
	details, open := detailsOf(r), n.phase.Load() != ended
	var fields []byte
	if open {
		fields = add(outbox.To{Src: r.Src, ID: r.ID}, details.onReply != nil || details.watched != nil)
		n.out.Flush()
	}
	details.watched.Replied(fields)
	if details.onReply != nil {
		r.state++ // so that the node does not end before each of them has returned
	}
	n.out.Unlock()
	for _, f := range details.onReply {
		f(fields)
	}
	if details.onReply != nil {
		r.release(false)
	}
	if !open {
		return errEnded
	}
	return nil
}

// replyFields replies with the encoded fields of an earlier reply.
func (r *Request) replyFields(fields []byte) error {
	return r.reply(func(to outbox.To, _ bool) []byte {
		r.handler.node.out.ReplyFields(to, fields)
		return fields
	})
}

// details are what a node keeps of a request besides. Most requests have none.
type details struct {
	deadline time.Duration // by the node's clock; schedule.Never if there is none
	retry    bool
	ctx      context.Context // of the handler, if there is a deadline
	cancel   context.CancelFunc
	onReply  []func(fields []byte) // get the reply, nil if there will be none
	calledBy *string               // the dest of the message, if it is not the node's name
	watched  *observer.Request     // tells the node's hooks, nil if there are none
}

// noDetails are the details of a request that has none.
var noDetails = &details{deadline: schedule.Never}

// addDetails returns the request's details, which may be changed until its handler runs.
func (r *Request) addDetails() *details {
	if r.details == nil {
		r.details = &details{deadline: schedule.Never}
	}
	return r.details
}

// detailsOf returns the details of a request that may be nil.
func detailsOf(r *Request) *details {
	if r == nil || r.details == nil {
		return noDetails
	}
	return r.details
}

// notify makes the reply call f. It fails if the request has its reply or is over.
func (r *Request) notify(f func(fields []byte)) bool {
	r.handler.node.out.Lock()
	defer r.handler.node.out.Unlock()
	if r.state&isAnswered != 0 || r.state&holds == 0 {
		return false
	}
	details := r.addDetails()
	details.onReply = append(details.onReply, f)
	return true
}

// hold keeps the request open until release, unless it is over.
func (r *Request) hold() {
	out := &r.handler.node.out
	out.Lock()
	if r.state&holds > 0 {
		r.state++
	}
	out.Unlock()
}

// release ends what hold began. When nothing holds the request any more and it has no
// reply, the node replies. If replyNow is true, it also replies if the request is still held.
func (r *Request) release(replyNow bool) {
	n := r.handler.node
	n.out.Lock()
	if (replyNow || r.state&holds == 1) && r.state&isAnswered == 0 && !r.OneWay() && (n.official == nil || detailsOf(r).onReply != nil) {
		n.out.Unlock()
		r.Fail(Errorf(Crash, "the handler of %s did not reply", r.Type()))
		n.out.Lock()
	}
	isOver := r.state&holds == 1
	if r.state&holds > 0 { // otherwise it was over before hold
		r.state--
		if counted := r.state&isCounted != 0; counted == isOver { // an open request is counted
			r.count()
		}
	}
	if w := detailsOf(r).watched; isOver && w != nil {
		n.requests++ // so that the node does not end before the hooks know
		n.out.Unlock()
		w.End()
		n.out.Lock()
		n.requests--
	}
	n.out.Unlock()
	if isOver && r.details != nil && r.details.cancel != nil {
		r.details.cancel()
	}
	n.nudge()
}

// count counts a request among the open ones, or no longer if it is counted. The lock is held.
func (r *Request) count() {
	n, change := r.handler.node, int64(1)
	if r.state&isCounted != 0 {
		change = -1
	}
	r.state ^= isCounted
	n.requests += change
	n.bytes += change * int64(r.size)
	if full := !n.hasRoom(n.requests, n.bytes); full != n.full.Load() {
		n.full.Store(full)
	}
}

// A requestContext is the context of a request's handler: the request in another
// form, so that it costs no memory and the node finds the request of a call.
type requestContext Request

type requestKey struct{}

// context returns the context of the handler.
func (r *Request) context() context.Context {
	if r.details != nil && r.details.ctx != nil {
		return r.details.ctx
	}
	return (*requestContext)(r)
}

func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *requestContext) Done() <-chan struct{}       { return c.handler.node.ctx.Done() }
func (c *requestContext) Err() error                  { return c.handler.node.ctx.Err() }
func (c *requestContext) Value(key any) any {
	if key == (requestKey{}) {
		return (*Request)(c)
	}
	return c.handler.node.ctx.Value(key)
}

// requestOf returns the request whose handler got ctx, or a context made of it; nil
// if there is none.
func requestOf(ctx context.Context) *Request {
	if r, ok := ctx.(*requestContext); ok {
		return (*Request)(r)
	}
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// errorReply returns the error reply for err.
func errorReply(err error) Error {
	switch e := err.(type) {
	case *Error:
		return *e
	case *CallError:
		if e.err == Timeout { // the usual one
			return Error{Code: Timeout, Text: e.Error()}
		}
	}
	return Error{Code: codeOf(err), Text: err.Error()}
}

// codeOf returns the code to reply with for err: its own, wherever it is wrapped. But an
// operation that may have had an effect gets no definite code. The last attempt of a
// call may have a definite error where an earlier attempt timed out.
func codeOf(err error) Code {
	var call *CallError
	var code Code
	switch {
	case !errors.As(err, &code):
		if errors.Is(err, context.DeadlineExceeded) {
			return Timeout
		}
		return Crash
	case !code.Definite():
	case errors.Is(err, ErrIndefinite), errors.As(err, &call) && !call.Definite():
		return Timeout
	}
	return code
}

package eddy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
)

// A Request is a message that a handler serves. If it has a msg_id it gets
// exactly one reply, whatever the handler does; a one-way message gets none.
type Request struct {
	Src  string
	ID   int64 // msg_id, or NoID for a one-way message
	Body Raw   // valid until an inline handler returns, otherwise as long as the request

	handler *handler
	turn    uint32        // of reading, that the handler runs in; or inline, or kept
	state   atomic.Uint32 // how often it is held, and the bits below
}

// Type is the message's type.
func (r *Request) Type() string { return r.handler.name }

// What stands for a turn in an inline handler's request: at first its Body is
// what the node has just scanned; once a call is made for it, that may be gone.
const (
	inlineFresh uint32 = iota
	inlineKept
	firstTurn
)

// The state's bits above the count of holds.
const (
	isAnswered = 1 << 31
	hasWaited  = 1 << 30 // its handler has waited for a call
	isRefused  = 1 << 29 // a callback is being told that its call could not begin
	hasTerms   = 1 << 28 // the node's termsTable knows it
	hasRetried = 1 << 27 // a call of its has been attempted again, which somebody may be about to log
	holds      = hasRetried - 1
)

func (r *Request) inline() bool { return r.turn < firstTurn }

// Later is what a handler returns as its reply when the reply comes from a
// callback (Request.Call). The request stays open until its last callback has
// returned.
var Later any = later{}

type later struct{}

// errAnswered is what a second reply meets.
var errAnswered = errors.New("the request has been answered already")

// Reply answers the request with a JSON object: Raw, or any Go value that
// becomes one. Without a type it gets the request's with "_ok" behind it. Own
// msg_id and in_reply_to are replaced. It is an error to answer twice; to answer
// a one-way message does nothing.
func (r *Request) Reply(body any) error {
	if raw, ok := body.(Raw); ok {
		return r.reply("", raw)
	}
	t := texts.Get().(*text)
	defer texts.Put(t)
	read, err := t.encode(body)
	return r.replyRead("", &read, err)
}

// ReplyAs answers with a raw body whose type is replaced by typ. It costs no
// memory, so that an echo is as cheap as it looks.
func (r *Request) ReplyAs(typ string, body Raw) error { return r.reply(typ, body) }

// Fail answers with an error reply: the error's Code and text, 13 crash if it
// has no Code.
func (r *Request) Fail(err error) error {
	e := answer(err)
	return r.send(nil, "", &e)
}

// Decode stores the body's fields in what v points to, see Raw.Decode.
func (r *Request) Decode(v any) error {
	if err := r.Body.Decode(v); err != nil {
		return &Error{Code: MalformedRequest, Text: err.Error()}
	}
	return nil
}

func (r *Request) reply(typ string, raw []byte) error {
	if r.turn == inlineFresh && len(raw) == len(r.Body) && len(raw) > 0 && &raw[0] == &r.Body[0] {
		return r.send(&r.handler.node.reader.line.msg.Body, typ, nil) // which has just been scanned
	}
	body, err := wire.ReadBody(raw)
	return r.replyRead(typ, &body, err)
}

// replyRead answers with a body that has been read, or tells why it could not be.
func (r *Request) replyRead(typ string, body *wire.Body, err error) error {
	if err != nil {
		return fmt.Errorf("reply to %s: %w", r.Src, err)
	}
	if typ == "" && body.Type == nil {
		typ = r.Type() + "_ok"
	}
	return r.send(body, typ, nil)
}

// send answers with a body, or with an error.
func (r *Request) send(body *wire.Body, typ string, e *Error) error {
	n := r.handler.node
	return r.answer(func(dst []byte) []byte {
		if e != nil {
			return n.appendError(dst, *e)
		}
		return n.dialect().AppendFields(dst, typ, body)
	})
}

// replyFields answers with a body's fields that were rendered before.
func (r *Request) replyFields(fields []byte) error {
	return r.answer(func(dst []byte) []byte { return append(dst, fields...) })
}

// answer answers with the fields that are appended.
func (r *Request) answer(appendFields func(dst []byte) []byte) error {
	if r.ID == NoID {
		return nil
	}
	if r.state.Or(isAnswered)&isAnswered != 0 {
		return errAnswered
	}
	n := r.handler.node
	once := r.remembered()
	n.lockToWrite()
	if n.phase.Load() == ended {
		n.mu.Unlock()
		once.answered(nil)
		return errEnded
	}
	d := n.dialect()
	buf := n.appendHead(&n.out.answers, r.Src)
	from := len(buf)
	buf = appendFields(buf)
	fields := once.copy(buf[from:])
	n.out.buf = d.AppendTail(buf, r.ID, n.replyID())
	n.stats.Out++
	n.flushSoon()
	n.mu.Unlock()
	once.answered(fields)
	return nil
}

// appendError appends an error reply's fields.
func (n *Node) appendError(dst []byte, e Error) []byte {
	head, mid := `"type":"error","code":`, `,"text":`
	if n.Spaced {
		head, mid = `"type": "error", "code": `, `, "text": `
	}
	dst = strconv.AppendInt(append(dst, head...), int64(e.Code), 10)
	dst = wire.AppendQuote(append(dst, mid...), e.Text)
	if e.RetryAfter > 0 {
		after := `,"retry_after_ms":`
		if n.Spaced {
			after = `, "retry_after_ms": `
		}
		dst = strconv.AppendInt(append(dst, after...), int64((e.RetryAfter+time.Millisecond-1)/time.Millisecond), 10)
	}
	return dst
}

// hold keeps the request open until release, and notes a bit of its state or 0.
// It fails once the request is over.
func (r *Request) hold(bit uint32) bool {
	for {
		state := r.state.Load()
		if state&holds == 0 {
			return false
		}
		if r.state.CompareAndSwap(state, (state+1)|bit) {
			return true
		}
	}
}

// release lets the request go. After the last hold it is answered, if by nobody
// else then here, and this is true.
func (r *Request) release() (last bool) {
	if r == nil || r.state.Add(^uint32(0))&holds > 0 {
		return false
	}
	r.forgotten()
	r.dropTerms()
	if r.handler.node.active.Add(-1) == 0 {
		r.handler.node.crew.rest()
		r.handler.node.coroutines.rest()
	}
	r.handler.node.checkRest()
	return true
}

// onlyHandler reports that nothing holds the request but its handler.
func (r *Request) onlyHandler() bool { return r.state.Load()&holds == 1 }

// forgotten answers a request that nobody has answered or ever will.
func (r *Request) forgotten() {
	if r.ID != NoID && r.state.Load()&isAnswered == 0 && r.handler.node.official == nil {
		r.Fail(Errorf(Crash, "the handler of %s gave no reply", r.Type()))
	}
}

// recover turns the panic of a handler or callback into its answer, and so it
// does if it has not returned otherwise: runtime.Goexit, by which testing.T.Fatal
// ends a test.
func (r *Request) recover(returned *bool) {
	if p := recover(); p != nil || !*returned {
		r.abandoned(p)
	}
}

// abandoned answers for a handler or callback that has panicked, or with nil has
// ended its goroutine.
func (r *Request) abandoned(p any) {
	if p == nil {
		r.handler.node.Log.Error("goroutine ended", "in", r.Type())
		r.Fail(Errorf(Crash, "the handler of %s ended its goroutine", r.Type()))
		return
	}
	r.handler.node.logPanic(r.Type(), p)
	r.Fail(Errorf(Crash, "the handler of %s panicked", r.Type()))
}

// A handler's context is its request in another shape, so that it costs nothing
// and the node finds the request that a call is made for.
type requestContext Request

type requestKey struct{}

func (c *requestContext) Deadline() (time.Time, bool) {
	deadline := (*Request)(c).terms().deadline
	return c.handler.node.start.Add(deadline), deadline != schedule.Never
}
func (c *requestContext) Done() <-chan struct{} { return c.handler.node.ctx.Done() }
func (c *requestContext) Err() error            { return c.handler.node.ctx.Err() }
func (c *requestContext) Value(key any) any {
	if key == (requestKey{}) {
		return (*Request)(c)
	}
	return c.handler.node.ctx.Value(key)
}

// requestOf is the request whose handler was given ctx, or one made of it.
func requestOf(ctx context.Context) *Request {
	if r, ok := ctx.(*requestContext); ok {
		return (*Request)(r)
	}
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

package eddy

import (
	"bytes"
	"container/list"
	"context"
	"math"
	"strconv"
	"strings"
	"sync"
)

// A Once makes handlers take effect once for each call, however many of its
// attempts arrive: it keeps the reply to a call and gives it to every further
// attempt; an attempt that comes while another of its call is served waits for
// that one's reply. Calls are known by their mark, which a caller writes whose
// policy says so; a request without one is served as ever.
//
// At least once on the wire, once in effect, as long as the table lives: it is in
// memory and bounded, and a restart of the node loses it. What it has forgotten is
// answered with 0 and the text stale, since it may have taken effect. An answer
// with 11 temporarily-unavailable is not kept: it says that nothing was done, and
// invites a retry.
//
// The zero value is ready. One may be shared by all handlers of a node:
//
//	var once eddy.Once
//	node.Handle("add", once.Handler(add))
type Once struct {
	// MaxReplies is how many replies are kept. 0 means 100,000.
	MaxReplies int
	// MaxBytes is how much memory the table may take. 0 means 16 MiB. What is
	// being served counts, but is never forgotten.
	MaxBytes int

	mu      sync.Mutex
	callers map[callerKey]*caller
	kept    list.List // of *remembered that have a reply, the oldest first
	idle    list.List // of *caller that nothing is kept of, the one longest unheard of first
	bytes   int       // that all takes, about; idleBytes of it the idle callers

	idleBytes int
}

const (
	defaultMaxReplies = 100_000
	defaultMaxBytes   = 16 << 20

	callerSize     = 300 // bytes, about, with its places in map and list
	rememberedSize = 250
	maxLifeName    = 64
)

var errStale = &Error{Code: Timeout, Text: "stale"}

// A caller is one life of a node: another life numbers its calls anew.
type caller struct {
	key       callerKey
	calls     map[uint64]*remembered
	forgotten uint64        // calls below this number may have been known once
	idle      *list.Element // its place in the list of idle callers, if it is there
}

type callerKey struct{ src, life string }

// A remembered call is being served, or has its reply.
type remembered struct {
	once   *Once
	caller *caller
	number uint64
	reply  []byte // a body's fields, nil while it is served
	joined []*Request
}

// Handler wraps one that is to take effect once for each call.
func (o *Once) Handler(h Handler) Handler {
	return func(ctx context.Context, req *Request) (any, error) {
		life, number, ok := markOf(req)
		if !ok {
			return h(ctx, req)
		}
		first, reply, stale := o.begin(callerKey{req.Src, life}, number, req)
		switch {
		case stale:
			return nil, errStale
		case reply != nil:
			return nil, req.replyFields(reply)
		case first == nil:
			return Later, nil // it has joined
		}
		req.changeTerms(func(t *terms) { t.once = first })
		return h(ctx, req)
	}
}

// markOf is what a request says of its call. The life is opaque to a receiver.
func markOf(r *Request) (life string, number uint64, ok bool) {
	mark, ok := r.Body.Get("call").Text()
	if !ok || r.ID == NoID {
		return "", 0, false
	}
	slash := strings.LastIndexByte(mark, '/')
	if slash < 1 || slash > maxLifeName {
		return "", 0, false
	}
	number, err := strconv.ParseUint(mark[slash+1:], 10, 64)
	return mark[:slash], number, err == nil
}

// begin is what becomes of a request: it is the first of its call, or there is a
// reply, or it is stale, or it has joined the first.
func (o *Once) begin(key callerKey, number uint64, req *Request) (first *remembered, reply []byte, stale bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.caller(key)
	known := c.calls[number]
	switch {
	case known == nil && number < c.forgotten:
		return nil, nil, true
	case known == nil:
		first = &remembered{once: o, caller: c, number: number}
		c.calls[number] = first
		o.busy(c)
		o.bytes += rememberedSize
		o.bound()
		return first, nil, false
	case known.reply != nil:
		return nil, known.reply, false
	}
	req.hold(0)
	known.joined = append(known.joined, req)
	return nil, nil, false
}

func (o *Once) caller(key callerKey) *caller {
	if c := o.callers[key]; c != nil {
		return c
	}
	if o.callers == nil {
		o.callers = make(map[callerKey]*caller)
	}
	c := &caller{key: key, calls: make(map[uint64]*remembered)}
	o.callers[key] = c
	o.bytes += c.size()
	return c
}

// busy takes a caller out of the idle ones.
func (o *Once) busy(c *caller) {
	if c.idle != nil {
		o.idle.Remove(c.idle)
		o.idleBytes -= c.size()
		c.idle = nil
	}
}

func (c *caller) size() int { return callerSize + len(c.key.src) + len(c.key.life) }

// remembered is the call whose reply is to be kept, if a Once does that.
func (r *Request) remembered() *remembered {
	if !r.hasTerms() {
		return nil
	}
	return r.terms().once
}

// copy is a reply to keep. The receiver may be nil.
func (r *remembered) copy(fields []byte) []byte {
	if r == nil {
		return nil
	}
	return bytes.Clone(fields)
}

// answered takes in a call's reply, nil if the node has ended before it, and gives
// it to those who have joined. The receiver may be nil.
func (r *remembered) answered(fields []byte) {
	if r == nil {
		return
	}
	o := r.once
	o.mu.Lock()
	joined := r.joined
	r.joined = nil
	switch {
	case fields == nil: // it may have taken effect
		o.forget(r)
	case invitesRetry(fields):
		o.drop(r)
	default:
		r.reply = fields
		o.bytes += len(fields)
		o.kept.PushBack(r)
	}
	o.bound()
	o.mu.Unlock()
	for _, req := range joined {
		if fields != nil {
			req.replyFields(fields)
		} else {
			req.Fail(errStale)
		}
		req.release()
	}
}

// invitesRetry reports whether a reply is an error that says to try again.
func invitesRetry(fields []byte) bool {
	body := Raw("{" + string(fields) + "}")
	typ, _ := body.Get("type").Text()
	code, ok := body.Get("code").Int()
	return typ == "error" && ok && Code(code) == TemporarilyUnavailable
}

// bound forgets the oldest replies, and the callers that nothing is kept of and that
// were longest unheard of, until the table is small enough; those take half of it
// at most. Nobody will know that the calls of a caller who is forgotten whole are
// stale, but there is room for some 25,000 of them.
func (o *Once) bound() {
	replies := orDefault(o.MaxReplies, defaultMaxReplies)
	size := orDefault(o.MaxBytes, defaultMaxBytes)
	for o.idle.Len() > 0 && o.idleBytes > size/2 {
		o.forgetCaller()
	}
	for o.kept.Len() > 0 && (o.kept.Len() > replies || o.bytes > size) {
		o.forget(o.kept.Remove(o.kept.Front()).(*remembered))
	}
	for o.idle.Len() > 0 && o.bytes > size {
		o.forgetCaller()
	}
}

// forget forgets a call, but not that it was.
func (o *Once) forget(r *remembered) {
	c := r.caller
	if r.number >= c.forgotten && r.number < math.MaxUint64 {
		c.forgotten = r.number + 1
	}
	o.drop(r)
}

// drop takes a call out.
func (o *Once) drop(r *remembered) {
	c := r.caller
	delete(c.calls, r.number)
	o.bytes -= rememberedSize + len(r.reply)
	if len(c.calls) == 0 {
		c.idle = o.idle.PushBack(c)
		o.idleBytes += c.size()
	}
}

// forgetCaller forgets the idle caller that was longest unheard of.
func (o *Once) forgetCaller() {
	c := o.idle.Remove(o.idle.Front()).(*caller)
	delete(o.callers, c.key)
	o.idleBytes -= c.size()
	o.bytes -= c.size()
}

package eddy

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy/internal/schedule"
	"github.com/eddyrpc/eddy/internal/wire"
)

// A request's body may carry terms of its call besides what it asks for. A caller
// writes them only if its policy sets call_id or propagate:
//
//	"call":"1f0a93c2b7d4e865/17"   the same in every attempt of one call (mark)
//	"deadline_ms":1200             how long the caller still waits (propagate)
//	"retry":false                  whether somebody on the way here tries again (propagate)

// terms are what a request says of its call.
type terms struct {
	deadline time.Duration // by the node's clock, or schedule.Never
	retry    bool
	ctx      context.Context // the handler's, if there is a deadline
	end      context.CancelFunc
	once     *remembered // if a Once will keep the reply
	called   *string     // the name that an official node was called by, see Dest
}

// A termsTable holds the terms of open requests: apart from them, since most have
// none.
type termsTable struct {
	mu sync.Mutex
	of map[*Request]*terms
}

// terms are the request's; without any, or without a request, the deadline is
// never.
func (r *Request) terms() terms {
	if r.hasTerms() {
		table := &r.handler.node.terms
		table.mu.Lock()
		defer table.mu.Unlock()
		if t := table.of[r]; t != nil {
			return *t
		}
	}
	return terms{deadline: schedule.Never}
}

func (r *Request) hasTerms() bool { return r != nil && r.state.Load()&hasTerms != 0 }

// changeTerms makes terms for a request that has none, and changes them.
func (r *Request) changeTerms(change func(t *terms)) {
	table := &r.handler.node.terms
	table.mu.Lock()
	defer table.mu.Unlock()
	t := table.of[r]
	if t == nil {
		if table.of == nil {
			table.of = make(map[*Request]*terms)
		}
		t = &terms{deadline: schedule.Never}
		table.of[r] = t
		r.state.Or(hasTerms)
	}
	change(t)
}

// readTerms takes in what a request that is about to be served says of its
// deadline. It returns false if that has passed: nobody waits for an answer.
func (r *Request) readTerms() (alive bool) {
	n := r.handler.node
	again := string(r.Body.Get("retry")) == "true"
	ms, ok := r.Body.Get("deadline_ms").Int()
	if ok = ok && ms >= 0 && ms < int64(schedule.Never/time.Millisecond)/2; !ok {
		if again {
			r.changeTerms(func(t *terms) { t.retry = true })
		}
		return true
	}
	// It counts from when the request was read, before those in front of it in the
	// same buffer were served. How long it was on its way nobody can tell.
	deadline := n.reader.readAt + time.Duration(ms)*time.Millisecond
	if deadline <= n.now() {
		n.mu.Lock()
		n.stats.Expired++
		n.mu.Unlock()
		return false
	}
	var ctx context.Context
	var end context.CancelFunc
	if !r.inline() {
		ctx, end = context.WithDeadline((*requestContext)(r), n.start.Add(deadline))
	}
	r.changeTerms(func(t *terms) { t.deadline, t.retry, t.ctx, t.end = deadline, again, ctx, end })
	return true
}

// dropTerms forgets the terms of a request that is over.
func (r *Request) dropTerms() {
	if !r.hasTerms() {
		return
	}
	table := &r.handler.node.terms
	table.mu.Lock()
	t := table.of[r]
	delete(table.of, r)
	r.state.And(^uint32(hasTerms))
	table.mu.Unlock()
	if t != nil && t.end != nil {
		t.end()
	}
}

// context is what the request's handler is given.
func (r *Request) context() context.Context {
	if r.hasTerms() {
		if ctx := r.terms().ctx; ctx != nil {
			return ctx
		}
	}
	return (*requestContext)(r)
}

// mark writes into a draft which call it is for, if the policy asks for that, and
// takes out what the policy will have written by us.
func (n *Node) mark(d *draft, p *Policy) error {
	body := d.body.Raw
	if d.body.HasTerms {
		if p.CallID {
			body = wire.Without(body, wire.Call)
		}
		if p.Propagate {
			body = wire.Without(body, wire.Deadline, wire.Retry)
		}
	}
	if p.CallID {
		body = append(body[:len(body)-1:len(body)-1], `,"call":"`...)
		body = append(append(body, n.life.name()...), '/')
		body = append(strconv.AppendUint(body, n.life.number.Add(1), 10), `"}`...)
	}
	var err error
	d.body, err = wire.ReadBody(body)
	return err
}

// appendTerms appends what each attempt of a call says anew. mu is held.
func (n *Node) appendTerms(dst []byte, c *call) []byte {
	if c.Policy == nil || !c.Policy.Propagate {
		return dst
	}
	s := &n.calls.Guide(c).Schedule
	return n.dialect().AppendTerms(dst, s.Remaining(n.now()).Milliseconds(), s.Retry())
}

// A life is what distinguishes this process of a node from those before and
// after it: a random number, drawn when it is first needed. Its calls are
// numbered.
type life struct {
	once   sync.Once
	random uint64
	number atomic.Uint64
}

func (l *life) seed() uint64 {
	l.once.Do(func() { l.random = rand.Uint64() })
	return l.random
}

// name is the number in 16 hexadecimal digits.
func (l *life) name() string {
	text := strconv.FormatUint(l.seed(), 16)
	return "0000000000000000"[len(text):] + text
}

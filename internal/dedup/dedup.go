// Package dedup remembers calls and their replies, so that a call can have its effect once.
package dedup

import (
	"container/list"
	"math"
)

// A Table remembers calls. W is a request that waits for the reply to its call. The zero
// value is empty. A Table is not safe for concurrent use.
//
// A caller numbers its calls. When the table forgets a call, it remembers for the caller
// that calls up to this number may have been there, as long as it remembers the caller.
type Table[W any] struct {
	callers   map[CallerKey]*caller[W]
	kept      list.List // of *Call[W] that have a reply, the oldest first
	idle      list.List // of *caller[W] of which no call is kept, the one heard of least recently first
	bytes     int       // of everything, roughly
	idleBytes int       // of the idle callers
}

// Limits bound a Table.
type Limits struct{ Replies, Bytes int }

const (
	callerSize = 300 // bytes, roughly, with its places in the map and the list
	callSize   = 250
)

// A CallerKey is one incarnation of a node: another one numbers its calls anew. Without an
// Incarnation the calls are told apart by their msg_id, and a number may come again.
type CallerKey struct{ Src, Incarnation string }

// An ID is what tells a call from all others.
type ID struct {
	CallerKey
	Number uint64
	Body   uint64 // a hash, if there is no Incarnation
}

type caller[W any] struct {
	key       CallerKey
	calls     map[uint64]*Call[W]
	forgotten uint64        // calls below this number may have been known
	idle      *list.Element // its place in the list of idle callers, nil if it is not there
}

// A Call is being served, or has its reply.
type Call[W any] struct {
	caller  *caller[W]
	number  uint64
	body    uint64
	reply   []byte // nil while the call is served
	waiting []W
}

// A State is what the table knows of a call.
type State uint8

const (
	New     State = iota // it is to be served
	Served               // it is being served
	Replied              // it has a reply
	Stale                // it may have been there; the table has forgotten it
)

// Begin takes a request of a call. If the call is New, it is known from now on, and first
// is what Reply is to be told. If it is Served, w waits for the reply.
func (t *Table[W]) Begin(id ID, w W, limits Limits) (state State, first *Call[W], reply []byte) {
	c := t.caller(id.CallerKey)
	known := c.calls[id.Number]
	if known != nil && known.body != id.Body {
		known = nil // the caller counts anew
	}
	switch {
	case known == nil && id.Number < c.forgotten && id.Incarnation != "":
		return Stale, nil, nil
	case known == nil:
		return New, t.add(c, id, limits), nil
	case known.reply == nil:
		known.waiting = append(known.waiting, w)
		return Served, nil, nil
	}
	return Replied, nil, known.reply
}

func (t *Table[W]) add(c *caller[W], id ID, limits Limits) *Call[W] {
	first := &Call[W]{caller: c, number: id.Number, body: id.Body}
	c.calls[id.Number] = first
	if c.idle != nil {
		t.idle.Remove(c.idle)
		t.idleBytes -= c.size()
		c.idle = nil
	}
	t.bytes += callSize
	t.bound(limits)
	return first
}

func (t *Table[W]) caller(key CallerKey) *caller[W] {
	if c := t.callers[key]; c != nil {
		return c
	}
	if t.callers == nil {
		t.callers = make(map[CallerKey]*caller[W])
	}
	c := &caller[W]{key: key, calls: make(map[uint64]*Call[W])}
	t.callers[key] = c
	t.bytes += c.size()
	return c
}

func (c *caller[W]) size() int { return callerSize + len(c.key.Src) + len(c.key.Incarnation) }

// Size returns how many replies are kept, and how many bytes the table takes, roughly.
func (t *Table[W]) Size() (replies, bytes int) { return t.kept.Len(), t.bytes }

// Reply keeps the reply to a call, and returns the requests that wait for it.
func (t *Table[W]) Reply(c *Call[W], reply []byte, limits Limits) (waiting []W) {
	c.reply = reply
	t.bytes += len(reply)
	t.kept.PushBack(c)
	return t.served(c, limits)
}

// Forget ends a call without a reply that is kept. If nothing was done for the call,
// undone is true: the next request is New. Otherwise it is Stale.
func (t *Table[W]) Forget(c *Call[W], undone bool, limits Limits) (waiting []W) {
	if undone {
		t.drop(c)
	} else {
		t.forget(c)
	}
	return t.served(c, limits)
}

func (t *Table[W]) served(c *Call[W], limits Limits) (waiting []W) {
	waiting, c.waiting = c.waiting, nil
	t.bound(limits)
	return waiting
}

// bound forgets until the table is within its limits: the oldest replies, and the callers
// of which no call is kept. Those take half of the memory at most. What is being served is
// never forgotten.
func (t *Table[W]) bound(limits Limits) {
	for t.idle.Len() > 0 && t.idleBytes > limits.Bytes/2 {
		t.forgetCaller()
	}
	for t.kept.Len() > 0 && (t.kept.Len() > limits.Replies || t.bytes > limits.Bytes) {
		t.forget(t.kept.Remove(t.kept.Front()).(*Call[W]))
	}
	for t.idle.Len() > 0 && t.bytes > limits.Bytes {
		t.forgetCaller()
	}
}

// forget forgets a call, but not that it was there.
func (t *Table[W]) forget(k *Call[W]) {
	c := k.caller
	if k.number >= c.forgotten && k.number < math.MaxUint64 {
		c.forgotten = k.number + 1
	}
	t.drop(k)
}

func (t *Table[W]) drop(k *Call[W]) {
	c := k.caller
	if c.calls[k.number] == k {
		delete(c.calls, k.number)
	}
	t.bytes -= callSize + len(k.reply)
	if len(c.calls) == 0 && c.idle == nil {
		c.idle = t.idle.PushBack(c)
		t.idleBytes += c.size()
	}
}

// forgetCaller forgets the idle caller that was heard of least recently.
func (t *Table[W]) forgetCaller() {
	c := t.idle.Remove(t.idle.Front()).(*caller[W])
	delete(t.callers, c.key)
	t.idleBytes -= c.size()
	t.bytes -= c.size()
}

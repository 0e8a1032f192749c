// Package dedup remembers calls and their replies, so that a call can have its effect once.
package dedup

import (
	"container/list"
	"time"
)

// A Table remembers calls. W is a request that waits for the reply to its call. The zero
// value is empty. A Table is not safe for concurrent use.
//
// A caller numbers its calls. When the table forgets the reply to a call, it still knows that
// calls of this caller up to this number may have come. It remembers a caller for
// Limits.Window after the latest request or reply. If there is no room for one more caller,
// the table refuses the calls of callers that it does not know, since it may have forgotten
// them. So no call is New twice within the window.
type Table[W comparable] struct {
	callers  map[CallerKey]*caller[W]
	recent   list.List // of *caller[W] with an incarnation, in the order of their latest request or reply
	kept     list.List // of *Call[W] that have a reply, the oldest first
	bytes    int       // of everything, roughly
	ofRecent int       // bytes of the callers in recent
}

const (
	callerSize = 300 // bytes, roughly, with its places in the map and the list
	callSize   = 250
)

type caller[W comparable] struct {
	key       CallerKey
	calls     map[uint64]*Call[W]
	served    int           // how many of the calls have no reply yet
	forgotten uint64        // calls below this number may have come, and their replies are forgotten
	latest    time.Time     // the latest request or reply
	place     *list.Element // in recent; nil without an incarnation
}

// A Call is being served, or has its reply.
type Call[W comparable] struct {
	caller  *caller[W]
	number  uint64
	body    uint64
	by      W // the first request, while the call is served
	reply   []byte
	place   *list.Element // in kept, nil while the call is served
	waiting []W
}

// A State is the state of a call in the table.
type State uint8

const (
	New     State = iota // it is to be served
	Served               // it is being served
	Serving              // it is being served for the same request
	Replied              // it has a reply
	Stale                // it may have come before; the table has forgotten its reply
	Full                 // the table has no room for one more caller
)

// Begin handles a request of a call. If the call is New, the table knows it from now on, and
// first is the argument for Reply or Forget. If it is Served, w waits for the reply.
func (t *Table[W]) Begin(id ID, w W, now time.Time, limits Limits) (state State, first *Call[W], reply []byte) {
	c := t.callers[id.CallerKey]
	if c == nil {
		if c = t.add(id.CallerKey, now, limits); c == nil {
			return Full, nil, nil
		}
	}
	t.touch(c, now)
	known := c.calls[id.Number]
	if known != nil && known.body != id.Body {
		known = nil // it is another call with the same msg_id
	}
	switch {
	case known == nil && id.Number < c.forgotten:
		return Stale, nil, nil
	case known == nil:
		return New, t.begin(c, id, w, limits), nil
	case known.place == nil && known.by == w:
		return Serving, nil, nil
	case known.place == nil:
		known.waiting = append(known.waiting, w)
		return Served, nil, nil
	}
	return Replied, nil, known.reply
}

// add adds a caller. It returns nil if there is no room.
func (t *Table[W]) add(key CallerKey, now time.Time, limits Limits) *caller[W] {
	c := &caller[W]{key: key}
	if key.Incarnation != "" {
		if !t.makeRoom(key.size(), now, limits) {
			return nil
		}
		t.ofRecent += key.size()
		c.place = t.recent.PushBack(c)
	}
	if t.callers == nil {
		t.callers = make(map[CallerKey]*caller[W])
	}
	t.callers[key] = c
	t.bytes += key.size()
	return c
}

// makeRoom forgets callers without a request or reply within the window, the oldest first, until
// there is room for one more. It returns false if there is none.
func (t *Table[W]) makeRoom(size int, now time.Time, limits Limits) bool {
	if size > limits.MaxBytes/2 {
		return false
	}
	for t.ofRecent+size > limits.MaxBytes/2 {
		c := t.recent.Front().Value.(*caller[W])
		switch {
		case now.Sub(c.latest) < limits.Window:
			return false
		case c.served > 0:
			t.touch(c, now)
		default:
			t.forgetCaller(c)
		}
	}
	return true
}

// touch notes a request or a reply of a caller.
func (t *Table[W]) touch(c *caller[W], now time.Time) {
	c.latest = now
	if c.place != nil {
		t.recent.MoveToBack(c.place)
	}
}

func (t *Table[W]) begin(c *caller[W], id ID, w W, limits Limits) *Call[W] {
	c.served++ // first, because drop forgets a caller without a call
	if old := c.calls[id.Number]; old != nil && old.place != nil {
		t.drop(old)
	}
	first := &Call[W]{caller: c, number: id.Number, body: id.Body, by: w}
	if c.calls == nil {
		c.calls = make(map[uint64]*Call[W])
	}
	c.calls[id.Number] = first
	t.bytes += callSize
	t.bound(limits)
	return first
}

// Size returns the number of replies and roughly the bytes of the table.
func (t *Table[W]) Size() (replies, bytes int) { return t.kept.Len(), t.bytes }

// Reply keeps the reply to a call, and returns the requests that wait for it.
func (t *Table[W]) Reply(c *Call[W], reply []byte, now time.Time, limits Limits) (waiting []W) {
	t.ended(c, now)
	if c.caller.calls[c.number] == c {
		c.reply, c.place = reply, t.kept.PushBack(c)
		t.bytes += len(reply)
	} else { // another call has the same msg_id
		t.drop(c)
	}
	return t.served(c, limits)
}

// Forget ends a call and keeps no reply. undone says that the call surely had no effect. Then
// the next request of the call is New, otherwise it is Stale.
func (t *Table[W]) Forget(c *Call[W], undone bool, now time.Time, limits Limits) (waiting []W) {
	t.ended(c, now)
	if undone {
		t.drop(c)
	} else {
		t.forget(c)
	}
	return t.served(c, limits)
}

func (t *Table[W]) ended(c *Call[W], now time.Time) {
	var none W
	c.by = none
	c.caller.served--
	t.touch(c.caller, now)
}

func (t *Table[W]) served(c *Call[W], limits Limits) (waiting []W) {
	waiting, c.waiting = c.waiting, nil
	t.bound(limits)
	return waiting
}

// bound forgets the oldest replies until the table is within its limits. It never forgets calls
// that are being served.
func (t *Table[W]) bound(limits Limits) {
	for t.kept.Len() > 0 && (t.kept.Len() > limits.MaxReplies || t.bytes > limits.MaxBytes) {
		t.forget(t.kept.Front().Value.(*Call[W]))
	}
}

// forget forgets a call, but not that it came, if the caller has an incarnation.
func (t *Table[W]) forget(k *Call[W]) {
	if c := k.caller; c.key.Incarnation != "" {
		c.forgotten = max(c.forgotten, k.number+1)
	}
	t.drop(k)
}

func (t *Table[W]) drop(k *Call[W]) {
	c := k.caller
	if c.calls[k.number] == k {
		delete(c.calls, k.number)
	}
	if k.place != nil {
		t.kept.Remove(k.place)
	}
	t.bytes -= callSize + len(k.reply)
	if len(c.calls) > 0 {
		return
	}
	c.calls = nil
	if c.key.Incarnation == "" && c.served == 0 {
		t.forgetCaller(c)
	}
}

// forgetCaller forgets a caller and its replies.
func (t *Table[W]) forgetCaller(c *caller[W]) {
	for _, k := range c.calls {
		t.kept.Remove(k.place)
		t.bytes -= callSize + len(k.reply)
	}
	delete(t.callers, c.key)
	t.bytes -= c.key.size()
	if c.place != nil {
		t.recent.Remove(c.place)
		t.ofRecent -= c.key.size()
	}
}

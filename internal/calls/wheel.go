package calls

import (
	"math"
	"math/bits"
	"time"
)

// A tick is a millisecond since the table's origin. Deadlines are rounded up to
// a tick: a timeout is never early and at most a millisecond late.
type tick int64

const (
	levelBits = 6 // a level has 64 slots, so that one word tells which are taken
	slots     = 1 << levelBits
	levels    = 8 // 2^48 ms are 8,900 years
)

// A wheel holds calls by their deadline: a hierarchical timing wheel (Varghese
// and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 7). A
// deadline stands at the level of the highest digit, in base 64, in which it
// differs from now, and moves down as that digit is reached. Adding, removing
// and expiring cost the same with ten calls as with a million; a heap's would
// grow, and a runtime timer for each call costs more memory than the call.
type wheel[O any] struct {
	now   tick           // all before it have expired
	taken [levels]uint64 // bit s is set if slot s has a call, or had: leaving does not clear it
	lists lists[O]
}

// slot is the list of slot s at a level.
func slot(level, s int) list { return firstSlot + list(level*slots+s) }

// add lets c wait from now on.
func (w *wheel[O]) add(c *Call[O], now, wait time.Duration) {
	w.advance(now)
	wait = min(wait, math.MaxInt64-now-time.Millisecond) // for ever is not the past
	c.due = tick((now + wait + time.Millisecond - 1) / time.Millisecond)
	w.place(c)
}

func (w *wheel[O]) place(c *Call[O]) {
	if c.due <= w.now {
		w.lists.push(due, c)
		return
	}
	l, s := w.position(c.due)
	w.taken[l] |= 1 << s
	w.lists.push(slot(l, s), c)
}

// position is where a deadline after now stands.
func (w *wheel[O]) position(due tick) (level, slot int) {
	level = (bits.Len64(uint64(due^w.now)) - 1) / levelBits
	level = min(level, levels-1)
	return level, int(due>>(level*levelBits)) & (slots - 1)
}

// next is when the next slot's time comes.
func (w *wheel[O]) next() (time.Duration, bool) {
	if w.lists[due].head != nil {
		return time.Duration(w.now) * time.Millisecond, true
	}
	at, _, ok := w.earliest()
	return time.Duration(at) * time.Millisecond, ok
}

// earliest is the first taken slot after now: the time at which it begins, and
// its level. Lower levels come before higher ones.
func (w *wheel[O]) earliest() (at tick, level int, ok bool) {
	for l := range w.taken {
		digit := int(w.now>>(l*levelBits)) & (slots - 1)
		ahead := w.taken[l] &^ (1<<(digit+1) - 1)
		for ahead != 0 {
			s := bits.TrailingZeros64(ahead)
			if w.lists[slot(l, s)].head != nil {
				above := w.now &^ (1<<((l+1)*levelBits) - 1)
				return above | tick(s)<<(l*levelBits), l, true
			}
			w.taken[l] &^= 1 << s
			ahead &^= 1 << s
		}
	}
	return 0, 0, false
}

// expired takes out a call whose deadline has come, nil if there is none.
func (w *wheel[O]) expired(now time.Duration) *Call[O] {
	w.advance(now)
	return w.lists.pop(due)
}

// advance lets the time pass: what has expired moves to due, what comes closer
// moves down.
func (w *wheel[O]) advance(now time.Duration) {
	for to := tick(now / time.Millisecond); w.now < to; {
		at, l, ok := w.earliest()
		if !ok || at > to {
			w.now = to
			return
		}
		w.now = at
		s := int(at>>(l*levelBits)) & (slots - 1)
		w.taken[l] &^= 1 << s
		for c := w.lists.takeAll(slot(l, s)); c != nil; {
			next := c.next
			w.place(c)
			c = next
		}
	}
}

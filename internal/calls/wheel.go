package calls

import (
	"math"
	"math/bits"
	"time"
)

// A tick is a quarter of a millisecond since the table's origin. Deadlines are rounded
// up to a tick, which many calls share: a timeout is never early. Go's timers are late
// by up to a millisecond as it is; were the tick as long too, three attempts would be
// late by 1.5 ms more (bench, silence).
type tick int64

const tickTime = time.Millisecond / 4

const (
	block      = 4096               // ticks that are moved nearer together: a second
	nearBlocks = 4                  // three of them, and what is left of the one that passes
	nearSlots  = nearBlocks * block // of one tick each
	farSlots   = 64                 // of one block each
	portion    = 2048               // calls that are moved nearer at a time: some 2,000,000 a second
)

// A wheel holds calls by their deadline: a timing wheel (Varghese and Lauck,
// "Hashed and Hierarchical Timing Wheels", 1987, scheme 6) with a second, coarse
// one for what is far. Adding, removing and expiring cost the same with ten calls
// as with a million; a heap's would grow, and a runtime timer for each call costs
// more memory than the call.
//
// A near slot is one tick, so what expires is at hand and in order. A far call
// moves nearer once, 3 to 4 seconds before its deadline, in portions: were a
// whole block moved when its time comes, everybody would wait while a million
// calls move (bench, storm). Default timeouts are near from the beginning.
type wheel[O any] struct {
	now   tick // what was due before it has been taken out; behind the time while something due has not been
	near  bitmap
	far   uint64 // bit s is set if far slot s has a call, or had: leaving does not clear it
	lists lists[O]
}

func nearSlot(at tick) list { return firstNear + list(at%nearSlots) }
func farSlot(b tick) list   { return firstFar + list(b%farSlots) }

// moving is the last block that is near, or moving nearer: what is due before its end
// stands in a near slot or in this block's far slot.
func (w *wheel[O]) moving() tick { return w.now/block + nearBlocks - 1 }

// begins is when a block begins to move.
func begins(b tick) tick { return (b - nearBlocks + 1) * block }

// add lets c wait from now on.
func (w *wheel[O]) add(c *Call[O], now, wait time.Duration) {
	w.advance(now)
	wait = min(wait, math.MaxInt64-now-tickTime) // for ever is not the past
	c.due = tick((now + wait + tickTime - 1) / tickTime)
	w.place(c)
}

func (w *wheel[O]) place(c *Call[O]) {
	moving := w.moving()
	if c.due/block <= moving {
		w.near.set(int(c.due % nearSlots))
		w.lists.push(nearSlot(c.due), c)
		return
	}
	// What is due after all the slots' blocks is placed again when the last has
	// come. None goes into the slot that is moving, or that would never end.
	b := min(c.due/block, moving+farSlots-1)
	w.far |= 1 << (b % farSlots)
	w.lists.push(farSlot(b), c)
}

// next is when something is to be done: a call expires or moves nearer.
func (w *wheel[O]) next() (time.Duration, bool) {
	at, ok := w.nextTick()
	return time.Duration(at) * tickTime, ok
}

func (w *wheel[O]) nextTick() (at tick, ok bool) {
	switch {
	case w.lists.any(nearSlot(w.now)):
		return w.now, true
	case w.lists.any(farSlot(w.moving())):
		return w.now + 1, true
	}
	at, ok = w.expiring()
	if far, some := w.turning(); some {
		at, ok = min(at, far), true
	}
	return at, ok
}

// turning is when the coarse wheel turns: what is moving must be gone then, and
// the next block that has calls begins to move.
func (w *wheel[O]) turning() (at tick, ok bool) {
	b := w.moving()
	for {
		ahead := bits.TrailingZeros64(bits.RotateLeft64(w.far, -int(b%farSlots)))
		switch slot := farSlot(b + tick(ahead)); {
		case ahead == farSlots:
			return 0, false
		case !w.lists.any(slot):
			w.far &^= 1 << (slot - firstFar)
		case ahead == 0:
			return begins(b + 1), true
		default:
			return begins(b + tick(ahead)), true
		}
	}
}

// expiring is when the first near call is due. Without one it is the end of time.
func (w *wheel[O]) expiring() (at tick, ok bool) {
	for {
		s, ok := w.near.next(int(w.now % nearSlots))
		if !ok {
			return math.MaxInt64, false
		}
		at := w.now + (tick(s)-w.now%nearSlots+nearSlots)%nearSlots
		if w.lists.any(nearSlot(at)) {
			return at, true
		}
		w.near.clear(s)
	}
}

// expired takes out a call whose deadline has come, nil if there is none.
func (w *wheel[O]) expired(now time.Duration) *Call[O] {
	w.advance(now)
	return w.lists.pop(nearSlot(w.now))
}

// advance lets the time pass until a call is due, and moves some calls nearer.
func (w *wheel[O]) advance(now time.Duration) {
	to := tick(now / tickTime)
	w.moveNearer(portion)
	for w.now < to {
		at, _ := w.expiring()
		if w.now == at {
			return
		}
		at = min(at, to)
		if far, ok := w.turning(); ok && at >= far {
			at = far
			w.moveNearer(math.MaxInt)
		}
		w.now = at
	}
}

// moveNearer places so many calls of the block that has come near last.
func (w *wheel[O]) moveNearer(atMost int) {
	for range atMost {
		c := w.lists.pop(farSlot(w.moving()))
		if c == nil {
			return
		}
		w.place(c)
	}
}

// A bitmap tells which near slots have a call, or had.
type bitmap struct {
	words   [nearSlots / 64]uint64
	nonzero [nearSlots / 64 / 64]uint64 // a bit for each word
}

func (b *bitmap) set(s int) {
	b.words[s/64] |= 1 << (s % 64)
	b.nonzero[s/64/64] |= 1 << (s / 64 % 64)
}

func (b *bitmap) clear(s int) {
	b.words[s/64] &^= 1 << (s % 64)
	if b.words[s/64] == 0 {
		b.nonzero[s/64/64] &^= 1 << (s / 64 % 64)
	}
}

// next is the first slot that is set, from one on and round to the one before it.
func (b *bitmap) next(from int) (s int, ok bool) {
	if ahead := b.words[from/64] >> (from % 64); ahead != 0 {
		return from + bits.TrailingZeros64(ahead), true
	}
	word := from/64 + 1 // the first one's lower bits come last
	for n := range len(b.nonzero) + 1 {
		g := (word/64 + n) % len(b.nonzero)
		some := b.nonzero[g]
		if n == 0 {
			some &= ^uint64(0) << (word % 64)
		}
		if some != 0 {
			w := g*64 + bits.TrailingZeros64(some)
			return w*64 + bits.TrailingZeros64(b.words[w]), true
		}
	}
	return 0, false
}

// Package outbox numbers, gathers and writes the messages that a node sends.
package outbox

import (
	"context"
	"io"
	"runtime"
	"sync"

	"github.com/eddyrpc/eddy/internal/wire"
)

// An Outbox gathers messages, so that many leave in one Write. A goroutine that is
// about to cause several messages says so by Begin, and until its End what is added
// stays in the buffer. Without such a goroutine another one writes what was added as
// soon as it runs.
//
// The outbox owns the counter of ids, and its lock also guards what must change
// together with it: the messages leave in the order of their ids.
type Outbox struct {
	mu      sync.Mutex
	changed sync.Cond // room, the end of a Write, Close
	w       io.Writer
	dialect wire.Dialect
	watch   Watcher
	failed  func(error)

	src        string // the node's name, "" until it has one
	nextID     int64
	buf, spare []byte
	batches    int   // goroutines between Begin and End
	atOnce     bool  // Flush writes, instead of another goroutine
	writing    bool  // a goroutine is in Write
	starting   bool  // a goroutine that will write was started
	closed     bool  // nothing is written any more
	added      int64 // messages
	err        error // of the first Write that failed; what comes after it is dropped
}

// A Watcher is told of writing. The lock is held.
type Watcher interface {
	Flushing() // all that was added is being written
	Flushed()  // it has been written
}

// room is how much an outbox gathers before those who add to it must wait.
const room = 64 << 10 // as much as a pipe holds

// Open makes the outbox write to w. firstID is the first msg_id. failed is told of the first
// Write that fails, with the lock held.
func (o *Outbox) Open(w io.Writer, dialect wire.Dialect, firstID int64, watch Watcher, failed func(error)) {
	o.changed.L = &o.mu
	o.w, o.dialect, o.nextID, o.watch, o.failed = w, dialect, firstID, watch, failed
}

// SetName sets the src of the messages.
func (o *Outbox) SetName(src string) {
	o.mu.Lock()
	o.src = src
	o.mu.Unlock()
}

// Lock locks the outbox, and Unlock unlocks it.
func (o *Outbox) Lock() { o.mu.Lock() }

// Unlock unlocks the outbox.
func (o *Outbox) Unlock() { o.mu.Unlock() }

// Full reports whether those who add messages must wait. The lock is held.
func (o *Outbox) Full() bool { return len(o.buf) >= room && !o.closed }

// LockWithRoom locks the outbox when it has room. A slow reader of the output thus
// stops whoever causes more of it.
func (o *Outbox) LockWithRoom() {
	o.mu.Lock()
	for o.Full() {
		if o.writing {
			o.wait()
		} else {
			o.flush()
		}
	}
}

// LockWithRoomOr is LockWithRoom that returns without room when ctx ends. It never
// writes itself, so that no Write holds up the caller.
func (o *Outbox) LockWithRoomOr(ctx context.Context) {
	o.mu.Lock()
	if !o.Full() {
		return
	}
	stop := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		o.changed.Broadcast()
		o.mu.Unlock()
	})
	defer stop()
	for o.Full() && ctx.Err() == nil {
		o.FlushSoon()
		o.wait()
	}
}

// wait waits for a change. One of all who wait for room is woken at a time and wakes
// the next: a hundred thousand that are woken together would each be woken a thousand
// times.
func (o *Outbox) wait() {
	o.changed.Wait()
	if !o.Full() {
		o.changed.Signal()
	}
}

// Begin says that this goroutine will cause messages and then call End.
func (o *Outbox) Begin() {
	o.mu.Lock()
	o.batches++
	o.mu.Unlock()
}

// End ends what Begin began, and writes what has been gathered.
func (o *Outbox) End() {
	o.mu.Lock()
	o.batches--
	o.flush()
	o.mu.Unlock()
}

// EndSoon is End for a goroutine that a Write must not hold up.
func (o *Outbox) EndSoon() {
	o.mu.Lock()
	o.batches--
	o.FlushSoon()
	o.mu.Unlock()
}

// Flush has what was added written, by another goroutine, unless a goroutine will call
// End. The lock is held.
func (o *Outbox) Flush() {
	switch {
	case o.batches > 0:
	case o.atOnce:
		o.flush()
	default:
		o.FlushSoon()
	}
}

// FlushAtOnce says whether the goroutine that calls Flush writes. The lock is held.
func (o *Outbox) FlushAtOnce(atOnce bool) { o.atOnce = atOnce }

// FlushSoon is Flush that does not wait for an End. The lock is held.
func (o *Outbox) FlushSoon() {
	if o.writing || o.starting || len(o.buf) == 0 {
		return
	}
	o.starting = true
	go func() {
		// Goroutines that are ready to run add their messages first. Without this, a node
		// with many handlers would write each message by itself (bench, relay,
		// eddy-blocking).
		runtime.Gosched()
		o.mu.Lock()
		o.starting = false
		o.flush()
		o.wake() // Close may wait for this
		o.mu.Unlock()
	}()
}

// flush writes all that is there and all that is added meanwhile, unless another
// goroutine does. The lock is held, but not during Write.
func (o *Outbox) flush() {
	for len(o.buf) > 0 && !o.writing {
		full := o.buf
		o.buf, o.spare = o.spare[:0], nil
		o.writing = true
		o.watch.Flushing()
		var err error
		if o.err == nil {
			o.mu.Unlock()
			_, err = o.w.Write(full)
			o.mu.Lock()
		}
		o.writing = false
		if cap(full) <= 4*room { // else the memory of one long line would stay
			o.spare = full
		}
		o.watch.Flushed()
		if err != nil && o.err == nil {
			o.err = err
			o.failed(err)
		}
		o.wake()
	}
}

// wake wakes one of those who wait for room, or all once the outbox is closed.
func (o *Outbox) wake() {
	if o.closed {
		o.changed.Broadcast()
	} else {
		o.changed.Signal()
	}
}

// Idle reports whether everything has been written. The lock is held.
func (o *Outbox) Idle() bool { return len(o.buf) == 0 && !o.writing && o.batches == 0 }

// Close ends the outbox: those who wait for room wait no more, what they add is
// not written. It waits until what was added before is written, or ctx ends.
func (o *Outbox) Close(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.changed.Broadcast()
	o.FlushSoon()
	stop := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		o.changed.Broadcast()
		o.mu.Unlock()
	})
	defer stop()
	for (o.writing || o.starting) && ctx.Err() == nil {
		o.changed.Wait()
	}
}

// Err returns the error of the first Write that failed. The lock is held.
func (o *Outbox) Err() error { return o.err }

// Added returns how many messages were added. The lock is held.
func (o *Outbox) Added() int64 { return o.added }

// LastID returns the last msg_id that was given to a message, one less than the
// first if there was none. The lock is held.
func (o *Outbox) LastID() int64 { return o.nextID - 1 }

// Package outbox numbers, gathers and writes the messages that a node sends.
package outbox

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/eddyrpc/eddy/internal/wire"
)

// An Outbox gathers messages, so that one Write writes many. A goroutine that will add
// several messages calls Begin, and End after the last. In between, all messages stay in the
// buffer. If no such goroutine runs, another one writes what was added as soon as it runs.
//
// The outbox has the counter of ids, so that messages are written in the order of their ids.
// Its lock also guards what must change together with the counter.
type Outbox struct {
	mu      sync.Mutex
	changed sync.Cond // there is room, a Write has ended, or Close was called
	w       io.Writer
	dialect wire.Dialect
	watch   Watcher
	failed  func(error)

	src        string // the node's name, "" until it has one
	head       []byte // what a message begins with: its src
	nextID     int64
	buf, spare []byte
	batches    int   // goroutines between Begin and End
	atOnce     bool  // Flush itself writes, see FlushAtOnce
	writing    bool  // a goroutine is in Write
	starting   bool  // a goroutine that will write has been started
	closed     bool  // no message is written any more
	added      int64 // how many messages were added
	err        error // of the first Write that failed; later messages are dropped
}

// A Watcher has methods that the outbox calls when it writes. The lock is held.
type Watcher interface {
	Flushing() // all messages that were added are being written
	Flushed()  // they have been written
}

// room is how many bytes an outbox gathers before goroutines that add messages must wait.
const room = 64 << 10 // as much as a pipe holds

// Open makes the outbox write to w. firstID is the first msg_id. The outbox calls failed, with
// the lock held, when the first Write fails.
func (o *Outbox) Open(w io.Writer, dialect wire.Dialect, firstID int64, watch Watcher, failed func(error)) {
	o.changed.L = &o.mu
	o.w, o.dialect, o.nextID, o.watch, o.failed = w, dialect, firstID, watch, failed
	o.head = dialect.AppendSrc(nil, o.src)
}

// SetName sets the src of the messages.
func (o *Outbox) SetName(src string) {
	o.mu.Lock()
	o.src, o.head = src, o.dialect.AppendSrc(nil, src)
	o.mu.Unlock()
}

// Lock locks the outbox, and Unlock unlocks it.
func (o *Outbox) Lock() { o.mu.Lock() }

// Unlock unlocks the outbox.
func (o *Outbox) Unlock() { o.mu.Unlock() }

// Full reports whether there is no room for a message. The lock is held.
func (o *Outbox) Full() bool { return len(o.buf) >= room && !o.closed }

// LockWithRoom waits until there is room, and locks the outbox. So a slow reader of the output
// slows down the goroutines that add messages.
func (o *Outbox) LockWithRoom() {
	o.mu.Lock()
	if o.Full() {
		o.makeRoom()
	}
}

// makeRoom waits until there is room. The lock is held.
func (o *Outbox) makeRoom() {
	locked := false
	defer func() {
		if !locked { // Write has ended the goroutine
			o.mu.Unlock()
		}
	}()
	for o.Full() {
		if o.writing {
			o.wait()
		} else {
			o.flush()
		}
	}
	locked = true
}

// LockWithRoomOr is LockWithRoom that waits for room no longer than until ctx ends. It does
// not write itself, because a Write could block beyond the end of ctx.
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
	if o.Full() { // this goroutine may have been woken in place of another
		o.FlushSoon()
		o.changed.Signal()
	}
}

// wait waits for a change. If there is room, it wakes the next goroutine that waits. So only
// one is woken at a time. If a hundred thousand were woken together, each would be woken a
// thousand times.
func (o *Outbox) wait() {
	o.changed.Wait()
	if !o.Full() {
		o.changed.Signal()
	}
}

// Begin says that this goroutine will add messages and then call End or EndSoon.
func (o *Outbox) Begin() {
	o.mu.Lock()
	o.batches++
	o.mu.Unlock()
}

// End ends what Begin began, and writes what was added.
func (o *Outbox) End() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.batches--
	o.flush()
}

// EndSoon is End, except that another goroutine writes.
func (o *Outbox) EndSoon() {
	o.mu.Lock()
	o.batches--
	o.FlushSoon()
	o.mu.Unlock()
}

// Flush makes another goroutine write what was added, unless a goroutine will call End. The
// lock is held.
func (o *Outbox) Flush() {
	switch {
	case o.batches > 0:
	case o.atOnce:
		o.flush()
	default:
		o.FlushSoon()
	}
}

// FlushAtOnce sets whether the goroutine that calls Flush itself writes. The lock is held.
func (o *Outbox) FlushAtOnce(atOnce bool) { o.atOnce = atOnce }

// FlushSoon makes another goroutine write what was added. The lock is held.
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
		defer o.mu.Unlock()
		o.starting = false
		o.flush()
		o.wake() // Close may wait for this
	}()
}

// flush writes all messages, also those that are added in the meantime, unless another
// goroutine is writing. The lock is held, but not during Write.
func (o *Outbox) flush() {
	for len(o.buf) > 0 && !o.writing {
		full := o.buf
		o.buf, o.spare = o.spare[:0], nil
		o.writing = true
		o.watch.Flushing()
		o.write(full)
	}
}

var errWriteEnded = errors.New("the Write has not returned")

// write writes some messages. If Write panics or ends its goroutine, this counts as a failed
// Write. The lock is held, but not during Write.
func (o *Outbox) write(full []byte) {
	err := errWriteEnded
	defer func() {
		o.writing = false
		if cap(full) <= 4*room { // otherwise the memory of a very long line would be kept
			o.spare = full
		}
		o.watch.Flushed()
		if err != nil && o.err == nil {
			o.err = err
			o.failed(err)
		}
		o.wake()
	}()
	if o.err != nil {
		err = nil
		return
	}
	o.mu.Unlock()
	defer o.mu.Lock()
	_, err = o.w.Write(full)
}

// wake wakes one goroutine that waits for room, or all if the outbox is closed.
func (o *Outbox) wake() {
	if o.closed {
		o.changed.Broadcast()
	} else {
		o.changed.Signal()
	}
}

// Idle reports whether everything has been written. The lock is held.
func (o *Outbox) Idle() bool { return len(o.buf) == 0 && !o.writing && o.batches == 0 }

// Close closes the outbox. Goroutines that wait for room wait no longer, and what they add is
// not written. Close waits until what was added before is written, or until ctx ends.
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

// LastID returns the last msg_id that was given to a message. If there was none, it returns
// one less than the first. The lock is held.
func (o *Outbox) LastID() int64 { return o.nextID - 1 }

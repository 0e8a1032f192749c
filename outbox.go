package eddy

import (
	"context"
	"io"
	"sync"
)

// flushSize is how much an outbox gathers before whoever fills it writes it.
const flushSize = 64 << 10 // as much as a pipe holds

// An outbox gathers messages, so that many leave in one Write: while the node's
// reader has lines at hand, what they cause stays here, and is written when the
// reader would otherwise wait for input; likewise with timeouts. mu of the node
// guards it.
type outbox struct {
	to         io.Writer
	buf, spare []byte

	answers, calls head
	busy           int  // goroutines between beginBatch and endBatch
	writing        bool // somebody is in Write
	leaving        bool // a goroutine has been started to write
	changed        *sync.Cond
	err            error // of the first Write that failed; what comes after is dropped
}

// A head is how the latest message of a kind has begun, as the next one will if it
// goes to the same node.
type head struct {
	from       *identity
	dest, text []byte
}

// appendHead appends the head of a message to dest to what is in the outbox. mu is held.
func (n *Node) appendHead(h *head, dest string) []byte {
	if len(dest) > maxHead {
		return n.dialect().AppendHead(n.out.buf, n.ID(), dest)
	}
	if self := n.self.Load(); h.text == nil || self != h.from || string(h.dest) != dest {
		h.from, h.dest = self, append(h.dest[:0], dest...)
		h.text = n.dialect().AppendHead(h.text[:0], n.ID(), dest)
	}
	return append(n.out.buf, h.text...)
}

// maxHead is how long a destination's name may be to be kept, which a stranger chooses.
const maxHead = 64

// lockToWrite locks mu when the outbox has room. A slow reader of the output
// thus stops whoever causes more of it.
func (n *Node) lockToWrite() {
	n.mu.Lock()
	for n.full() {
		if n.out.writing {
			n.waitForRoom()
		} else {
			n.flush()
		}
	}
}

// waitForRoom waits until something has been written. Of all that wait one is told,
// who tells the next: were all told, a hundred thousand handlers that answer at once
// would wake a thousand times each (bench, silence, eddy-blocking). mu is held.
func (n *Node) waitForRoom() {
	n.out.changed.Wait()
	if !n.full() {
		n.out.changed.Signal()
	}
}

// wrote tells that something has been written. Once the node is ending others wait
// for that too. mu is held.
func (n *Node) wrote() {
	if n.phase.Load() == serving {
		n.out.changed.Signal()
	} else {
		n.out.changed.Broadcast()
	}
}

// lockToCall is lockToWrite for a call that ends with its ctx: its goroutine
// waits for room no longer than that, and never in Write.
func (n *Node) lockToCall(ctx context.Context) {
	n.mu.Lock()
	if !n.full() {
		return
	}
	stop := context.AfterFunc(ctx, func() {
		n.mu.Lock()
		n.out.changed.Broadcast()
		n.mu.Unlock()
	})
	defer stop()
	for n.full() && ctx.Err() == nil {
		n.flushElsewhere()
		n.waitForRoom()
	}
}

// full tells that who causes output must wait. mu is held.
func (n *Node) full() bool { return len(n.out.buf) >= flushSize && n.phase.Load() != ended }

// awaitRoom waits until the outbox has room. The reader does so before it starts
// a handler that could block there: passing on the reading would only pile up
// handlers that wait for the same slow reader of the output.
func (n *Node) awaitRoom() {
	n.lockToWrite()
	n.mu.Unlock()
}

// flushSoon writes the outbox out unless somebody is about to. mu is held.
func (n *Node) flushSoon() {
	if n.out.busy == 0 {
		n.flush()
	}
}

// flushElsewhere has the outbox written on another goroutine, for one that must
// not be held up by a Write that blocks. mu is held.
func (n *Node) flushElsewhere() {
	o := &n.out
	if o.writing || o.leaving || len(o.buf) == 0 {
		return
	}
	o.leaving = true
	go func() {
		n.mu.Lock()
		o.leaving = false
		n.flush()
		n.mu.Unlock()
	}()
}

// beginBatch tells that this goroutine will cause output and then end the batch.
func (n *Node) beginBatch() {
	n.mu.Lock()
	n.out.busy++
	n.mu.Unlock()
}

// endBatch writes what has been gathered.
func (n *Node) endBatch() {
	n.mu.Lock()
	n.flush()
	n.out.busy--
	n.checkRestLocked()
	n.mu.Unlock()
}

// endBatchElsewhere is endBatch for a goroutine that a Write must not hold up.
func (n *Node) endBatchElsewhere() {
	n.mu.Lock()
	n.flushElsewhere()
	n.out.busy--
	n.checkRestLocked()
	n.mu.Unlock()
}

// flush writes out all that is in the outbox. mu is held, but not during Write;
// one that is at it already also writes what is added meanwhile.
func (n *Node) flush() {
	o := &n.out
	for len(o.buf) > 0 && !o.writing {
		full := o.buf
		o.buf, o.spare = o.spare[:0], nil
		o.writing = true
		n.calls.Flushing()
		var err error
		if o.err == nil {
			n.mu.Unlock()
			_, err = o.to.Write(full)
			n.mu.Lock()
		}
		o.writing = false
		if cap(full) <= 4*flushSize { // or a long line's memory would stay
			o.spare = full
		}
		n.calls.Written(n.now())
		n.setAlarm()
		if err != nil && o.err == nil {
			o.err = err
			n.stop(&outputError{err})
		}
		n.wrote()
		n.checkRestLocked()
	}
}

// outputError is why a node ends that nobody reads any more.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write the output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

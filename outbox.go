package eddy

import (
	"io"
	"sync"
)

// flushSize is how much an outbox gathers before whoever fills it writes it.
const flushSize = 64 << 10 // as much as a pipe holds

// An outbox gathers messages, so that many leave in one Write: while the
// node's reader has lines at hand it leaves what they caused here, and writes
// it when it would otherwise wait for input. mu of the node guards it.
type outbox struct {
	to         io.Writer
	buf, spare []byte
	reading    bool // the reader is busy, and will write before it waits
	writing    bool // somebody is in Write
	changed    *sync.Cond
	err        error // of the first Write that failed; what comes after is dropped
}

// lockToWrite locks mu when the outbox has room. A slow reader of the output
// thus stops whoever causes more of it.
func (n *Node) lockToWrite() {
	n.mu.Lock()
	for len(n.out.buf) >= flushSize {
		if n.out.writing {
			n.out.changed.Wait()
		} else {
			n.flush()
		}
	}
}

// awaitRoom waits until the outbox has room. The reader does so before it starts
// a handler that could block there: passing on the reading would only pile up
// handlers that wait for the same slow reader of the output.
func (n *Node) awaitRoom() {
	n.lockToWrite()
	n.mu.Unlock()
}

// flushUnlessReading writes the outbox out unless the reader is about to.
func (n *Node) flushUnlessReading() {
	if !n.out.reading {
		n.flush()
	}
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
		o.changed.Broadcast()
		n.checkRestLocked()
	}
}

// outputError is why a node ends that nobody reads any more.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write the output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

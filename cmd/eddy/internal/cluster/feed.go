package cluster

import (
	"errors"
	"io"
	"sync"
)

// ErrInputClosed is the error of Send when the process's input was closed.
var ErrInputClosed = errors.New("the input is closed")

// maxSpare is the size in bytes of the largest buffer that is kept for reuse.
const maxSpare = 1 << 20

// A feed is the queue of what is to be written to a process's standard input.
// Adding to it never blocks, so that one process that does not read does not delay
// the others. The caller must bound the size of the queue. A goroutine that calls
// run does the writing.
type feed struct {
	mu      sync.Mutex
	changed sync.Cond // queue, err or closed changed
	queue   []byte    // what is not yet being written
	spare   []byte    // the buffer of the last write, for reuse
	writing int       // the number of bytes that are being written
	closed  bool      // nothing more can be added
	err     error     // why writing has ended
}

func newFeed() *feed {
	f := &feed{}
	f.changed.L = &f.mu
	return f
}

// add queues one line and a newline. It returns an error if writing has ended or
// the input was closed.
func (f *feed) add(line []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return f.err
	case f.closed:
		return ErrInputClosed
	}
	f.queue = append(append(f.queue, line...), '\n')
	f.changed.Broadcast()
	return nil
}

// close makes run close the input after it has written the queue.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.changed.Broadcast()
}

// stop ends writing with an error and drops the queue.
func (f *feed) stop(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.queue = nil
	f.changed.Broadcast()
}

func (f *feed) queued() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.queue) + f.writing
}

// awaitBelow blocks until fewer than n bytes are queued, or writing has ended.
func (f *feed) awaitBelow(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.err == nil && len(f.queue)+f.writing >= n {
		f.changed.Wait()
	}
}

// run writes the queue to w until close, stop, or an error. Then it closes w.
func (f *feed) run(w io.WriteCloser) {
	defer w.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		for f.err == nil && len(f.queue) == 0 && !f.closed {
			f.changed.Wait()
		}
		if f.err != nil || len(f.queue) == 0 {
			return
		}
		batch := f.queue
		f.queue, f.writing, f.spare = f.spare[:0], len(batch), nil
		f.mu.Unlock()
		_, err := w.Write(batch)
		f.mu.Lock()
		f.writing = 0
		if cap(batch) <= maxSpare {
			f.spare = batch
		}
		if err != nil && f.err == nil {
			f.err, f.queue = err, nil
		}
		f.changed.Broadcast()
	}
}

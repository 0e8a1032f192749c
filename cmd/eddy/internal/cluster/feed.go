package cluster

import (
	"errors"
	"io"
	"sync"
)

// ErrInputClosed is the error of feeding a process whose input was closed.
var ErrInputClosed = errors.New("the input is closed")

// maxSpare is the largest buffer, in bytes, that is kept for use again.
const maxSpare = 1 << 20

// A feed is what waits to be written to a process's standard input. Adding to
// it never blocks, so whoever talks to many processes is not held up by one
// that doesn't read; how much waits is for the caller to ask and to bound.
// A goroutine of its own, run, does the writing.
type feed struct {
	mu      sync.Mutex
	changed sync.Cond // queue, err or closed changed
	queue   []byte    // what no write has begun on
	spare   []byte    // the last write's, to be used again
	writing int       // bytes in the write under way
	closed  bool      // nothing more will be added
	err     error     // why writing has ended
}

func newFeed() *feed {
	f := &feed{}
	f.changed.L = &f.mu
	return f
}

// add queues one line and its newline. The error says that the process has
// stopped reading, or that its input was closed.
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

// close lets what is queued be written, and then the input be closed.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.changed.Broadcast()
}

// stop drops what is queued: nobody reads it any more.
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

// awaitBelow blocks until fewer than n bytes wait, or writing has ended.
func (f *feed) awaitBelow(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.err == nil && len(f.queue)+f.writing >= n {
		f.changed.Wait()
	}
}

// run writes to w what is added, until close, stop, or an error, and closes w.
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

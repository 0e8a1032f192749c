package natsnet

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// An inbox turns the messages of a subscription into lines. The messages wait in the
// subscription until the reader takes them: a goroutine in between would cost a
// hand-over for each message.
type inbox struct {
	sub     *nats.Subscription
	accept  func(m *nats.Msg) bool
	refused func(err error) // is called for each message that NextMsg refuses
	first   []byte          // a line that is read before all others

	ctx  context.Context // ends when the inbox is closed
	stop context.CancelFunc
	done chan struct{} // closed when the inbox is closed

	mu     sync.Mutex // held while lines are taken
	closed bool
	lines  []byte // taken and not yet read
	buf    []byte // the memory of lines

	lostAtEnd atomic.Int64

	ownMu sync.Mutex
	own   []byte             // the lines of put
	until context.Context    // ends with the next put, or when the inbox is closed
	wake  context.CancelFunc // ends it
}

func (b *inbox) init(sub *nats.Subscription, maxBytes int) error {
	b.sub = sub
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.until, b.wake = context.WithCancel(b.ctx)
	b.done = make(chan struct{})
	return sub.SetPendingLimits(-1, maxBytes)
}

// batchBytes is how many bytes read takes at once, if so many wait.
const batchBytes = 64 << 10

// errEnded is returned when the connection ended without Close and will not be made
// again.
var errEnded = errors.New("natsnet: the connection has ended")

// read reads lines, as an io.Reader.
func (b *inbox) read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.lines) == 0 {
		if b.closed {
			return 0, io.EOF
		}
		if cap(b.buf) > 1<<20 {
			b.buf = nil // the memory of a long line is not kept
		}
		b.buf = append(b.buf[:0], b.first...)
		b.first = nil
		if len(b.buf) == 0 && !b.take() {
			if b.ctx.Err() == nil {
				return 0, errEnded
			}
			b.mu.Unlock()
			<-b.done
			b.mu.Lock()
			continue
		}
		for waiting := b.waiting(); waiting > 0 && len(b.buf) < batchBytes; waiting-- {
			b.take()
		}
		b.lines = b.buf
	}
	n := copy(p, b.lines)
	b.lines = b.lines[n:]
	return n, nil
}

// waiting returns the number of messages that wait in the subscription.
func (b *inbox) waiting() int {
	messages, _, err := b.sub.Pending()
	if err != nil {
		return 0
	}
	return messages
}

// maxOwn is the limit on the bytes of lines of put that wait to be read. More are dropped.
const maxOwn = 1 << 20

// put adds a line that has not come over the network.
func (b *inbox) put(line []byte) {
	b.ownMu.Lock()
	defer b.ownMu.Unlock()
	if len(b.own)+len(line) < maxOwn {
		b.own = append(append(b.own, line...), '\n')
		b.wake()
	}
}

// takeOwn appends the lines of put to buf. If there are none, it returns a context that ends
// with the next put.
func (b *inbox) takeOwn() (until context.Context, took bool) {
	b.ownMu.Lock()
	defer b.ownMu.Unlock()
	if len(b.own) == 0 {
		return b.until, false
	}
	b.buf = append(b.buf, b.own...)
	b.own = b.own[:0]
	b.until, b.wake = context.WithCancel(b.ctx)
	return nil, true
}

// take waits for the next message and appends its line to buf. It returns false when
// no message will come any more.
//
// Whether the connection has ended is asked of the subscription and not concluded from
// the error: NextMsg also returns errors for messages that anyone can send.
func (b *inbox) take() bool {
	until, took := b.takeOwn()
	if took {
		return true
	}
	m, err := b.sub.NextMsgWithContext(until)
	switch {
	case err == nil:
		if b.accept(m) {
			b.buf = append(append(b.buf, m.Data...), '\n')
		}
	case b.ctx.Err() != nil || !b.sub.IsValid():
		return false
	case until.Err() != nil: // there is a line of put
	case errors.Is(err, nats.ErrSlowConsumer): // lost counts these messages
	default:
		b.refused(err)
	}
	return true
}

// close ends reading. What was received before can still be read.
func (b *inbox) close() {
	b.stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	b.ctx = context.Background()
	b.ownMu.Lock()
	b.until, b.wake = context.WithCancel(b.ctx)
	b.ownMu.Unlock()
	b.buf = append(append([]byte(nil), b.lines...), b.first...)
	for b.waiting() > 0 && b.take() {
	}
	b.lines = b.buf
	b.lostAtEnd.Store(b.lost())
	close(b.done)
}

// lost returns the number of messages that arrived when too many were waiting.
func (b *inbox) lost() int64 {
	if lost, err := b.sub.Dropped(); err == nil {
		return int64(lost)
	}
	return b.lostAtEnd.Load() // the subscription has ended
}

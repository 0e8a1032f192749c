package natsnet

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// An inbox turns the messages of a subscription into lines. They wait in the
// subscription until the reader itself takes them from there: a goroutine between
// would cost each message a hand-over.
type inbox struct {
	sub    *nats.Subscription
	accept func(m *nats.Msg) bool
	first  []byte // a line to be read before all others

	ctx  context.Context // ends when the inbox is closed
	stop context.CancelFunc
	done chan struct{} // closed when it is closed

	mu     sync.Mutex // held while lines are taken
	closed bool
	lines  []byte // taken and not yet read
	buf    []byte // theirs

	lostAtEnd atomic.Int64
}

func (b *inbox) init(sub *nats.Subscription, maxBytes int, accept func(m *nats.Msg) bool) error {
	b.sub, b.accept = sub, accept
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.done = make(chan struct{})
	return sub.SetPendingLimits(-1, maxBytes)
}

// enough is how many bytes are taken at once, if there are so many.
const enough = 64 << 10

// errCut is the end of a connection that ended by itself, and that is not made again.
var errCut = errors.New("natsnet: the connection has ended")

// read reads lines, as an io.Reader.
func (b *inbox) read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.lines) == 0 {
		if b.closed {
			return 0, io.EOF
		}
		if cap(b.buf) > 1<<20 {
			b.buf = nil // a long line's memory is not kept
		}
		b.buf = append(b.buf[:0], b.first...)
		b.first = nil
		if len(b.buf) == 0 && !b.take() {
			if b.ctx.Err() == nil {
				return 0, errCut
			}
			b.mu.Unlock()
			<-b.done
			b.mu.Lock()
			continue
		}
		for waiting := b.waiting(); waiting > 0 && len(b.buf) < enough; waiting-- {
			b.take()
		}
		b.lines = b.buf
	}
	n := copy(p, b.lines)
	b.lines = b.lines[n:]
	return n, nil
}

func (b *inbox) waiting() int {
	messages, _, err := b.sub.Pending()
	if err != nil {
		return 0
	}
	return messages
}

// take takes in the next message; false when none will come any more.
func (b *inbox) take() bool {
	m, err := b.sub.NextMsgWithContext(b.ctx)
	switch {
	case err == nil:
		if b.accept(m) {
			b.buf = append(append(b.buf, m.Data...), '\n')
		}
	case errors.Is(err, nats.ErrSlowConsumer): // which the log is told of otherwise
	default:
		return false
	}
	return true
}

// close ends reading. What has come before can still be read.
func (b *inbox) close() {
	b.stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	b.ctx = context.Background()
	b.buf = append(append([]byte(nil), b.lines...), b.first...)
	for b.waiting() > 0 && b.take() {
	}
	b.lines = b.buf
	b.lostAtEnd.Store(b.lost())
	close(b.done)
}

// lost is how many messages came when too many waited.
func (b *inbox) lost() int64 {
	if lost, err := b.sub.Dropped(); err == nil {
		return int64(lost)
	}
	return b.lostAtEnd.Load() // the subscription has ended
}

// initSource is who sends a node its init.
const initSource = "eddy-join"

// initLine is the message that tells a node its name.
func initLine(node string, nodes []string) []byte {
	line, err := json.Marshal(map[string]any{
		"src": initSource, "dest": node,
		"body": map[string]any{"type": "init", "msg_id": 1, "node_id": node, "node_ids": nodes},
	})
	if err != nil {
		panic(err) // of strings it can't be
	}
	return append(line, '\n')
}

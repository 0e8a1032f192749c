package eddy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	logQueueSize = 1 << 20 // bytes that wait for a slow standard error
	quoteSize    = 200     // of a bad line, in the log
)

// A LogQueue is a writer that never waits: what is written to it is passed on
// by a goroutine of its own, at most 1 MiB waits for that, and what is beyond is
// dropped and counted. A node logs through one, so that a standard error that
// nobody reads can't stall it.
type LogQueue struct {
	to io.Writer

	mu      sync.Mutex
	waiting []byte
	busy    bool // the goroutine is at work
	idle    *sync.Cond
	dropped int64
}

// NewLogQueue passes on to w.
func NewLogQueue(w io.Writer) *LogQueue {
	q := &LogQueue{to: w}
	q.idle = sync.NewCond(&q.mu)
	return q
}

// Write takes one line, or drops it if too much waits already. It never fails.
func (q *LogQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting)+len(line) > logQueueSize {
		q.dropped++
		return len(line), nil
	}
	q.waiting = append(q.waiting, line...)
	if !q.busy {
		q.busy = true
		go q.pass()
	}
	return len(line), nil
}

// pass writes all that waits, and ends.
func (q *LogQueue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	var spare []byte
	for len(q.waiting) > 0 {
		full := q.waiting
		q.waiting = spare[:0]
		q.mu.Unlock()
		q.to.Write(full) // whom could its error be told?
		q.mu.Lock()
		spare = full
	}
	q.waiting = nil
	q.busy = false
	q.idle.Broadcast()
}

// Dropped is how many lines were dropped so far.
func (q *LogQueue) Dropped() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// Flush waits until all is passed on, but not longer than this.
func (q *LogQueue) Flush(atMost time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waitAtMost(q.idle, atMost, func() bool { return !q.busy })
}

// openLog makes the log that the node was not given.
func (n *Node) openLog(w io.Writer) {
	if n.Log == nil {
		n.logQueue = NewLogQueue(w)
		n.Log = slog.New(slog.NewTextHandler(n.logQueue, nil))
	}
}

// logRetry tells of the attempt that a call has just made.
func (n *Node) logRetry(s silence) {
	c := s.call
	ctx := context.Background()
	if !n.Log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("dest", c.Letter.Dest()),
		slog.Int("attempt", s.attempt),
		slog.Int("of", c.Policy.MaxAttempts()),
		slog.Int64("msg_id", s.id),
		slog.Duration("waited", s.waited.Round(time.Millisecond)),
	)
	if s.err != nil {
		attrs = append(attrs, slog.String("after", s.err.Error()))
	}
	if r := c.Owner.request; r != nil {
		attrs = append(attrs, slog.String("for", r.Type()), slog.String("from", r.Src))
		if r.ID != NoID {
			attrs = append(attrs, slog.Int64("request", r.ID))
		}
	}
	n.Log.LogAttrs(ctx, slog.LevelInfo, "retry", attrs...)
}

func (n *Node) logBadLine(number int, line []byte, reason error) {
	quote := line[:min(len(line), quoteSize)]
	for len(quote) < len(line) && len(quote) > 0 && !utf8.RuneStart(line[len(quote)]) && len(quote) > quoteSize-utf8.UTFMax {
		quote = quote[:len(quote)-1] // not through the middle of a character
	}
	n.Log.Warn("bad line", "line", number, "reason", reason.Error(), "text", string(quote))
}

// logUnheard tells of an error that no requester will hear of.
func (n *Node) logUnheard(r *Request, err error) {
	if n.phase.Load() == ended {
		return // nobody hears of any, and there may be many
	}
	n.Log.Warn("handler failed unheard", "type", r.Type(), "from", r.Src, "error", err)
}

func (n *Node) logPanic(where string, p any) {
	n.Log.Error("panic", "in", where, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// recoverTo keeps the node alive when what it runs for the user panics.
func (n *Node) recoverTo(where string) {
	if p := recover(); p != nil {
		n.logPanic(where, p)
	}
}

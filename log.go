package eddy

import (
	"io"
	"log/slog"
	"time"

	"github.com/eddyrpc/eddy/internal/check"
	"github.com/eddyrpc/eddy/internal/logqueue"
	"github.com/eddyrpc/eddy/internal/nodelog"
)

// A LogQueue is an io.Writer that never blocks. A goroutine passes on what is written to it.
// The queue holds at most 1 MiB; lines beyond that are dropped and counted. A node logs
// through a LogQueue, so that a standard error that nobody reads does not stall the node.
type LogQueue struct{ queue *logqueue.Queue }

// NewLogQueue returns a LogQueue that writes to w.
func NewLogQueue(w io.Writer) *LogQueue {
	check.Must(check.NotNil("the writer of a LogQueue", w))
	return &LogQueue{logqueue.New(w)}
}

// Write takes one line, or drops it if too much waits already. It returns no error.
func (q *LogQueue) Write(line []byte) (int, error) { return q.queue.Write(line) }

// Dropped returns how many lines were dropped.
func (q *LogQueue) Dropped() int64 { return q.queue.Dropped() }

// Flush waits until everything is passed on, but not longer than atMost.
func (q *LogQueue) Flush(atMost time.Duration) { q.queue.Flush(atMost) }

// openLog returns the log that the user has given, or one that writes text to w through a
// queue.
func openLog(given *slog.Logger, w io.Writer) (log nodelog.Log, queue *LogQueue) {
	if given != nil {
		return nodelog.Log{Logger: given}, nil
	}
	queue = NewLogQueue(w)
	return nodelog.Log{Logger: slog.New(slog.NewTextHandler(queue, nil))}, queue
}

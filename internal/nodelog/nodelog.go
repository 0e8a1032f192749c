// Package nodelog writes the log of a node. It cuts what peers and programs choose.
package nodelog

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/calls"
	"github.com/eddyrpc/eddy/internal/wire"
)

const maxQuote = 200 // bytes of a bad line

// A Log is the log of a node.
type Log struct{ *slog.Logger }

// LogsRetries reports whether retries are logged.
func (l Log) LogsRetries() bool { return l.Enabled(context.Background(), slog.LevelInfo) }

// A Request is the request for which a call is made.
type Request struct {
	Type, Src string
	ID        int64
}

// Retry logs an attempt that is not the first: its number and msg_id, how long ago the attempt
// before was written, and the error reply to that one, nil if it timed out. about is the
// request for which the call is made, nil if there is none.
func (l Log) Retry(r *calls.Record, attempt int, id int64, waited time.Duration, after error, about *Request) {
	attrs := append(make([]slog.Attr, 0, 9),
		slog.String("dest", bounded.Name(r.Peer.Name)),
		slog.Int("attempt", attempt),
		slog.Int("of", r.Policy.MaxAttempts()),
		slog.Int64("msg_id", id),
		slog.Duration("waited", waited.Round(time.Millisecond)),
	)
	if after != nil {
		attrs = append(attrs, slog.String("after", bounded.Text(after.Error())))
	}
	if about != nil {
		attrs = append(attrs, slog.String("for", bounded.Name(about.Type)), slog.String("from", bounded.Name(about.Src)))
		if about.ID != wire.NoID {
			attrs = append(attrs, slog.Int64("request", about.ID))
		}
	}
	l.LogAttrs(context.Background(), slog.LevelInfo, "retry", attrs...)
}

// BadLine logs a line that is no message.
func (l Log) BadLine(number int, line []byte, reason error) {
	l.Warn("bad line", "line", number, "reason", bounded.Text(reason.Error()), "text", string(bounded.Cut(line, maxQuote)))
}

// Unsent logs the error of a handler that no peer is told of.
func (l Log) Unsent(r Request, err error) {
	l.Warn("handler failed without a reply", "type", bounded.Name(r.Type), "from", bounded.Name(r.Src), "error", bounded.Text(err.Error()))
}

// Panic logs a panic of the user's code, with the stack.
func (l Log) Panic(where string, p any) {
	l.Error("panic", "in", bounded.Text(where), "panic", bounded.Text(fmt.Sprint(p)), "stack", string(debug.Stack()))
}

// Package nodelog writes the log of a node. It cuts names and texts of peers and programs.
package nodelog

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
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
	OneWay    bool // it has no ID
}

// A Retry is an attempt of a call that is not the first.
type Retry struct {
	Dest        string
	Attempt, Of int
	ID          int64         // its msg_id
	Waited      time.Duration // since the attempt before was written
	After       error         // the error reply to that attempt; nil if it timed out
	For         *Request      // nil if there is none
}

// Retry logs a retry.
func (l Log) Retry(r Retry) {
	attrs := append(make([]slog.Attr, 0, 9),
		slog.String("dest", bounded.Name(r.Dest)),
		slog.Int("attempt", r.Attempt),
		slog.Int("of", r.Of),
		slog.Int64("msg_id", r.ID),
		slog.Duration("waited", r.Waited.Round(time.Millisecond)),
	)
	if r.After != nil {
		attrs = append(attrs, slog.String("after", bounded.Text(r.After.Error())))
	}
	if q := r.For; q != nil {
		attrs = append(attrs, slog.String("for", bounded.Name(q.Type)), slog.String("from", bounded.Name(q.Src)))
		if !q.OneWay {
			attrs = append(attrs, slog.Int64("request", q.ID))
		}
	}
	l.LogAttrs(context.Background(), slog.LevelInfo, "retry", attrs...)
}

// BadLine logs a line that is no message.
func (l Log) BadLine(number int, line []byte, reason error) {
	l.Warn("bad line", "line", number, "reason", bounded.Text(reason.Error()), "text", string(bounded.Cut(line, maxQuote)))
}

// Unsent logs the error of a handler that is sent to no peer.
func (l Log) Unsent(r Request, err error) {
	l.Warn("handler failed without a reply", "type", bounded.Name(r.Type), "from", bounded.Name(r.Src), "error", bounded.Text(err.Error()))
}

// Panic logs a panic of the user's code, with the stack.
func (l Log) Panic(where string, p any) {
	l.Error("panic", "in", bounded.Text(where), "panic", bounded.Text(fmt.Sprint(p)), "stack", string(debug.Stack()))
}

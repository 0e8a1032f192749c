// Package nodelog writes the log of a node. It cuts names and texts of peers and programs.
package nodelog

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/watch"
)

const maxQuote = 200 // bytes of a bad line

// A Log is the log of a node.
type Log struct{ *slog.Logger }

// LogsRetries reports whether retries are logged.
func (l Log) LogsRetries() bool { return l.Enabled(context.Background(), slog.LevelInfo) }

// Sent is a hook. It logs an attempt that is not the first of its call.
func (l Log) Sent(c *watch.Call, s watch.Sent) {
	if s.Attempt == 1 {
		return
	}
	attrs := append(make([]slog.Attr, 0, 9),
		slog.String("dest", bounded.Name(c.Dest)),
		slog.Int("attempt", s.Attempt),
		slog.Int("of", c.Policy.MaxAttempts()),
		slog.Int64("msg_id", s.ID),
		slog.Duration("waited", s.Waited.Round(time.Millisecond)),
	)
	if s.After != nil {
		attrs = append(attrs, slog.String("after", bounded.Text(s.After.Error())))
	}
	if r := c.For; r != nil {
		attrs = append(attrs, slog.String("for", bounded.Name(r.Type)), slog.String("from", bounded.Name(r.Src)))
		if !r.OneWay {
			attrs = append(attrs, slog.Int64("request", r.ID))
		}
	}
	l.LogAttrs(context.Background(), slog.LevelInfo, "retry", attrs...)
}

// BadLine logs a line that is no message.
func (l Log) BadLine(number int, line []byte, reason error) {
	l.Warn("bad line", "line", number, "reason", bounded.Text(reason.Error()), "text", string(bounded.Cut(line, maxQuote)))
}

// Unsent logs the error of a handler that is sent to no peer.
func (l Log) Unsent(typ, src string, err error) {
	l.Warn("handler failed without a reply", "type", bounded.Name(typ), "from", bounded.Name(src), "error", bounded.Text(err.Error()))
}

// Panic logs a panic of the user's code, with the stack.
func (l Log) Panic(where string, p any) {
	l.Error("panic", "in", bounded.Text(where), "panic", bounded.Text(fmt.Sprint(p)), "stack", string(debug.Stack()))
}

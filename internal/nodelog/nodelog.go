// Package nodelog has the lines that a node logs.
package nodelog

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
	"unicode/utf8"
)

// A Log is the log of a node.
type Log struct{ *slog.Logger }

// LogsRetries reports whether retries are logged.
func (l Log) LogsRetries() bool { return l.Enabled(context.Background(), slog.LevelInfo) }

// A Retry is an attempt of a call that was sent again.
type Retry struct {
	Dest        string
	Attempt, Of int
	ID          int64         // its msg_id
	Waited      time.Duration // by the attempt before
	After       error         // what that attempt received, nil if it timed out
}

// Retry logs a retry. about are attributes of the request for which the call is made.
func (l Log) Retry(r Retry, about ...slog.Attr) {
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs,
		slog.String("dest", Shorten(r.Dest)),
		slog.Int("attempt", r.Attempt),
		slog.Int("of", r.Of),
		slog.Int64("msg_id", r.ID),
		slog.Duration("waited", r.Waited.Round(time.Millisecond)),
	)
	if r.After != nil {
		attrs = append(attrs, slog.String("after", r.After.Error()))
	}
	l.LogAttrs(context.Background(), slog.LevelInfo, "retry", append(attrs, about...)...)
}

// quoteSize is how many bytes of a bad line are logged.
const quoteSize = 200

// BadLine logs a line that is no message.
func (l Log) BadLine(number int, line []byte, reason error) {
	quote := line[:min(len(line), quoteSize)]
	for len(quote) < len(line) && len(quote) > 0 && !utf8.RuneStart(line[len(quote)]) && len(quote) > quoteSize-utf8.UTFMax {
		quote = quote[:len(quote)-1] // not through the middle of a character
	}
	l.Warn("bad line", "line", number, "reason", reason.Error(), "text", string(quote))
}

// Panic logs a panic of the user's code and the stack.
func (l Log) Panic(where string, p any) {
	l.Error("panic", "in", where, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// Shorten returns a name as it stands in texts and logs: a peer may have chosen a name of any
// length.
func Shorten(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	return name[:most] + "..."
}

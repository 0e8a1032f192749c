// Package nodelog writes the log of a node.
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

// A Retry is an attempt of a call that is not the first.
type Retry struct {
	Dest        string
	Attempt, Of int
	ID          int64         // its msg_id
	Waited      time.Duration // since the attempt before was written
	After       error         // the error reply to that attempt; nil if it timed out
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
	line = line[:min(len(line), quoteSize+1)] // it may be very long
	l.Warn("bad line", "line", number, "reason", reason.Error(), "text", cut(string(line), quoteSize))
}

// Panic logs a panic of the user's code, with the stack.
func (l Log) Panic(where string, p any) {
	l.Error("panic", "in", where, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// Shorten returns a name for texts and logs. A name of more than 64 bytes is cut, since a peer
// may choose a name of any length.
func Shorten(name string) string {
	if short := cut(name, 64); short != name {
		return short + "..."
	}
	return name
}

// cut returns a text without what is beyond a size in bytes. It does not cut within a
// character.
func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for n := size; n > size-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			return text[:n]
		}
	}
	return text[:size] // it is not valid UTF-8
}

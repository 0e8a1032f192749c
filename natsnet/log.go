package natsnet

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy/internal/bounded"
)

// excerpt returns the beginning of a text, for a log.
func excerpt[T string | []byte](text T) string { return string(bounded.Cut(text, 200)) }

// A limitedLog logs at most one warning a second: the same fault of a network can
// occur thousands of times.
type limitedLog struct {
	to *slog.Logger

	failure atomic.Pointer[error] // why the latest attempt to reach a server failed

	mu         sync.Mutex
	quiet      time.Time // warnings are suppressed until then
	suppressed int
}

func (l *limitedLog) info(text string, args ...any) {
	if l.to != nil {
		l.to.Info(text, args...)
	}
}

// unreachable logs that no server can be reached.
func (l *limitedLog) unreachable(err error) {
	l.failure.Store(&err)
	l.warn("no server can be reached", "error", err)
}

func (l *limitedLog) warn(text string, args ...any) {
	if l.to == nil {
		return
	}
	l.mu.Lock()
	now := time.Now()
	if now.Before(l.quiet) {
		l.suppressed++
		l.mu.Unlock()
		return
	}
	if l.suppressed > 0 {
		args = append(args, "suppressed", l.suppressed)
	}
	l.quiet, l.suppressed = now.Add(time.Second), 0
	l.mu.Unlock()
	l.to.Warn(text, args...)
}

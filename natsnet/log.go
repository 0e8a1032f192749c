package natsnet

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// quote is the beginning of a line, for a log.
func quote(line []byte) string {
	const most = 200
	if len(line) > most {
		line = line[:most]
		for len(line) > most-utf8.UTFMax && !utf8.Valid(line) {
			line = line[:len(line)-1]
		}
	}
	return string(line)
}

// A limitedLog tells of trouble at most once a second: trouble with a network comes
// by the thousand.
type limitedLog struct {
	to *slog.Logger

	failure atomic.Pointer[error] // why no server was reached the last time

	mu     sync.Mutex
	quiet  time.Time // until then
	untold int
}

func (l *limitedLog) info(text string, args ...any) {
	if l.to != nil {
		l.to.Info(text, args...)
	}
}

// unreached tells that no server is reached.
func (l *limitedLog) unreached(err error) {
	l.failure.Store(&err)
	l.warn("no server is reached", "error", err)
}

func (l *limitedLog) warn(text string, args ...any) {
	if l.to == nil {
		return
	}
	l.mu.Lock()
	now := time.Now()
	if now.Before(l.quiet) {
		l.untold++
		l.mu.Unlock()
		return
	}
	if l.untold > 0 {
		args = append(args, "untold_before", l.untold)
	}
	l.quiet, l.untold = now.Add(time.Second), 0
	l.mu.Unlock()
	l.to.Warn(text, args...)
}

//go:build !wasip1

package stdio

import (
	"os"
	"os/signal"
	"syscall"
)

// NotifySignals sends SIGINT and SIGTERM to c from now on.
func NotifySignals(c chan<- os.Signal) { signal.Notify(c, os.Interrupt, syscall.SIGTERM) }

//go:build !js && !plan9

package eddy

import (
	"os/signal"
	"syscall"
)

// ignoreClosedPipe makes a closed output an error of Write. A closed log is nobody's.
func ignoreClosedPipe() { signal.Ignore(syscall.SIGPIPE) }

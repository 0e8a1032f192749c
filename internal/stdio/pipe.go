//go:build !js && !plan9

package stdio

import (
	"os/signal"
	"syscall"
)

func ignoreClosedPipe() { signal.Ignore(syscall.SIGPIPE) }

//go:build unix

package talk

import (
	"os"
	"os/signal"
	"syscall"
)

// onResize calls f whenever the terminal's size has changed, until stop.
func onResize(f func()) (stop func()) {
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGWINCH)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-changes:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(changes); close(done) }
}

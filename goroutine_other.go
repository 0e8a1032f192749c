//go:build !amd64 && !arm64

package eddy

// goroutine is 0: who waits for a call hands over to another goroutine here.
func goroutine() uintptr { return 0 }

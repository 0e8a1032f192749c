//go:build amd64 || arm64

package eddy

// goroutine tells the running goroutine from all others that live: it is the
// register that holds it, as a number. Only a coroutine's own goroutine may hand
// over to the reader (coroutine.go), and Go has no other way to ask (bench, relay,
// eddy-blocking).
func goroutine() uintptr

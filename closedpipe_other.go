//go:build js || plan9

package eddy

// ignoreClosedPipe has nothing to do where there is no such signal.
func ignoreClosedPipe() {}

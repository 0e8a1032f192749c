//go:build !linux

package eddy

import "os"

// widen does nothing where a pipe has one size.
func widen(*os.File) {}

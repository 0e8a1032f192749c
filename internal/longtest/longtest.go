// Package longtest lets tests do more when the environment variable EDDY_LONG is set,
// as .ci/run does. Without it go test ./... ends within two minutes.
package longtest

import (
	"os"
	"testing"
)

// On reports whether long tests run.
var On = os.Getenv("EDDY_LONG") != ""

// Or returns long if long tests run, otherwise quick.
func Or[T any](long, quick T) T {
	if On {
		return long
	}
	return quick
}

// Skip skips the test unless long tests run. what says what the test would do.
func Skip(t testing.TB, what string) {
	t.Helper()
	if !On {
		t.Skip("needs EDDY_LONG=1:", what)
	}
}

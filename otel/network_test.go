package otel_test

import (
	"io"
	"testing"

	"github.com/eddyrpc/eddy/eddytest"
)

// An example is a test that has no testing.T.
type example struct {
	testing.TB
	cleanups []func()
}

func (*example) Helper()                           {}
func (*example) Failed() bool                      { return false }
func (*example) Output() io.Writer                 { return io.Discard }
func (*example) Fatalf(format string, args ...any) { panic(format) }
func (e *example) Cleanup(f func())                { e.cleanups = append(e.cleanups, f) }

// network returns a network with the nodes n1 and n2. end ends it.
func network() (net *eddytest.Net, end func()) {
	e := &example{}
	net = eddytest.New(e, "n1", "n2")
	return net, func() {
		for _, f := range e.cleanups {
			f()
		}
	}
}

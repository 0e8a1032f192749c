package eddy_test

import (
	"io"
	"testing"

	"github.com/eddyrpc/eddy"
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

// cluster starts nodes n1, n2, ... on a network with lin-kv and the other services. Clients
// with the names in others reply to gossip.
func cluster(nodes []*eddy.Node, others ...string) (end func()) {
	e := &example{}
	names := []string{"n1", "n2", "n3", "n4", "n5"}
	net := eddytest.New(e, names...)
	net.Services(1)
	for _, name := range others {
		c := net.Client(name)
		c.Handle(func(m eddy.Message) {
			if m.ID != eddy.NoID {
				c.Reply(m, `{"type":"gossip_ok"}`)
			}
		})
	}
	for i, n := range nodes {
		net.Start(names[i], n)
	}
	return func() {
		for _, f := range e.cleanups {
			f()
		}
	}
}

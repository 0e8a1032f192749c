package eddytest

import (
	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/service"
)

// Services enters lin-kv, seq-kv, lww-kv and lin-tso, as Maelstrom and eddy test
// have them, for the nodes to ask: see eddy.LinKV and its siblings, eddy.Timestamp.
// They answer at once, and the net's faults meet their messages like any others. A
// request that arrives twice is served twice.
//
// seq-kv's reads and lww-kv's are often old, as they may be. The seed chooses how
// old, by what each node has asked before.
func (n *Net) Services(seed uint64) {
	n.t.Helper()
	for name, s := range service.All(seed) {
		c := n.Client(name)
		c.Handle(func(m eddy.Message) {
			if m.ID != eddy.NoID && m.InReplyTo == eddy.NoID {
				c.Send(m.Src, s.Serve(m.Src, m.Type(), m.Body, m.ID))
			}
		})
	}
}

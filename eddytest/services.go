package eddytest

import (
	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/service"
)

// Services adds lin-kv, seq-kv, lww-kv and lin-tso, as Maelstrom and eddy test have them. Nodes
// use them by eddy.LinKV, eddy.SeqKV, eddy.LWWKV and eddy.LinTSO. They reply at once. The faults
// of the network affect their messages like all others. If a request
// arrives twice, they serve it twice.
//
// Reads from seq-kv and lww-kv often return old values, as these services allow. How old they
// are depends on the seed and on the earlier requests of the node.
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

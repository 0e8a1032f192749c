// Package eddy is reliable RPC for nodes that have nothing but messages.
//
// A node reads one JSON message a line and writes one a line, as Maelstrom's
// protocol has it; the network between nodes loses, delays, duplicates and
// reorders them. A [Node] serves the requests that reach it, each with exactly
// one reply, and its calls ([Node.RPCWithRetry]) survive such a network: an
// attempt that meets silence is followed by another with a fresh msg_id.
//
//	var n eddy.Node
//	n.Handle("read", func(ctx context.Context, req *eddy.Request) (any, error) {
//		reply, _, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"read"}`), nil)
//		return map[string]any{"value": reply.Body.Get("value")}, err
//	})
//	n.Run()
//
// Handlers start in the order their requests came, one at a time: the next one
// starts when the one before it has returned, waits for a call, or has run for
// some milliseconds. So they may run at the same time and must guard what they
// share, as handlers of net/http do.
//
// A [Policy] says when a call is attempted again; the zero value is 3 attempts, 500
// ms each. A [Once] keeps what is attempted twice from taking effect twice.
//
// A [KV] asks lin-kv, seq-kv or lww-kv; its Update is the loop of compare-and-set that
// never takes effect twice unsaid. [Node.Every], [Node.EveryAbout], [Batcher],
// [Node.Broadcast] and [Seen] are what gossip is made of.
package eddy

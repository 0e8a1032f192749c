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
// # Requests
//
// What a [Handler] returns is the reply: an object, or an error, whose [Code] is sent
// along. One that panics or forgets to answer is answered for, with [Crash]. One that
// answers later, from a callback, returns [Later]. Nobody answers one-way messages
// ([Node.Send]) and replies.
//
// Handlers start in the order their requests came, one at a time: the next one
// starts when the one before it has returned, waits for a call, or has run for
// some milliseconds. So they may run at the same time and must guard what they
// share, as handlers of net/http do. Those of [Node.HandleInline] promise not to
// block, and are never handed to another goroutine.
//
// Bodies are [Raw]: JSON as it came, looked into where something is needed.
//
// # Calls
//
// A call is what the program asks for, an attempt one message that is sent for it. A
// [Policy] says when there is another; nil and the zero value are 3 attempts, 500 ms
// each. Package retry holds all that a policy can say, [LoadPolicy] reads one. A reply
// to any attempt settles the call. An error reply is a reply: it is returned with an
// error that wraps its Code.
//
// Silence tells nothing of what happened. The [CallError] of a call that failed says
// whether it surely took no effect, and what each attempt has met. To ask twice and
// have one effect, the caller's policy sets CallID and the callee's handler stands
// behind a [Once].
//
// [Request.Call] and [Node.Call] tell a [Callback] how a call has ended, so that no
// goroutine waits; an open call costs some 200 bytes.
//
// # Services and gossip
//
// A [KV] asks lin-kv, seq-kv or lww-kv; its Update is the loop of compare-and-set that
// never takes effect twice unsaid. [Timestamp] asks lin-tso. [Node.Every],
// [Node.EveryAbout], [Batcher], [Node.Broadcast] and [Seen] are what gossip is made of.
//
// # A node's life
//
// [Node.OnInit] runs when the node has been told its name and those of the others.
// [Node.Run] serves standard input and output, [Node.Serve] any [Transport]: package
// natsnet has one for many machines, package eddytest one for tests. At the end of the
// input, or on SIGTERM, every request that was accepted is still answered. Nothing that
// is read ends a node: bad lines are logged, and answered where that is possible.
// [Node.Stats] counts all of it; package metrics shows it to Prometheus.
//
// Programs of Maelstrom's official Go library move to package maelstrom by one changed
// line.
package eddy

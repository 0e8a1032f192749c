// Package eddy makes reliable calls between nodes that exchange JSON messages over an
// unreliable network.
//
// A node reads one JSON message per line and writes one JSON message per line, as
// Maelstrom's protocol says. The network between nodes loses, delays, duplicates and
// reorders messages. A [Node] replies to each request once. Its calls
// ([Node.RPCWithRetry]) send a message again, with a fresh msg_id, when no reply comes in
// time, and tell the caller how many attempts it took.
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
// A [Handler] returns the reply: an object, or an error, whose [Code] is sent. If a handler
// panics or does not reply, the node replies with [Crash]. A handler registered by
// [Node.Handle] runs on a goroutine of its own and may block. One registered by
// [Node.HandleInline] runs in the goroutine that reads, in the order of the messages, and
// must not block; it may return [Later] and reply from the callback of a call.
//
// Bodies are [Raw]: JSON as it came.
//
// # Calls
//
// A call is what the program asks for. An attempt is one message that is sent for it. A
// [Policy] says when another attempt is sent; nil is the default, 3 attempts of 500 ms. A
// reply to any attempt settles the call. An error reply is returned as the reply, together
// with an error that wraps its Code.
//
// A timeout does not tell whether the request had its effect. A failed call returns a
// [CallError], which says what became of each attempt and whether the call surely had no
// effect. To send a call twice and have one effect, set CallID in the policy and put the
// handler behind a [Dedup]. [Node.Call] and [Request.Call] tell a callback how a call has
// ended, so that no goroutine waits.
//
// # Services and gossip
//
// [KV] and [TSO] are clients of the services of Maelstrom. [KV.Update] retries
// compare-and-set. If it cannot tell whether the change was made, it returns
// [ErrIndefinite]. [Node.Every], [Node.EveryAbout], [Batcher], [Node.Broadcast] and [Seen]
// serve gossip.
//
// # Running
//
// [Node.Run] serves standard input and output, [Node.Serve] any [Transport]. At the end of
// the input, or on SIGTERM, the node still replies to every request that it accepted. A line
// that is no message is logged and does not end the node. [Node.Stats] returns counters, and
// Hooks are told what becomes of each call and request, see package watch.
// Package eddytest tests nodes in virtual time; package natsnet connects many machines;
// package maelstrom has the API of Maelstrom's Go library.
package eddy

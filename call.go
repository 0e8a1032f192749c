package eddy

import (
	"context"

	"github.com/eddyrpc/eddy/internal/calls"
)

// RPC calls dest with a single attempt of 500 ms.
func (n *Node) RPC(ctx context.Context, dest string, body any) (Message, error) {
	reply, _, err := n.RPCWithRetry(ctx, dest, body, once)
	return reply, err
}

var once = &Policy{Attempts: 1}

// Call is RPCWithRetry without a goroutine that waits: done is called once,
// when the call has ended. It runs where the node's messages are read or its
// timeouts kept, so it must not block; the reply's body is valid until it
// returns. A handler that answers from done returns Later.
func (r *Request) Call(dest string, body any, policy *Policy, done func(reply Message, attempts int, err error)) {
	if r.callbacks.Add(1) == 1 {
		panic("eddy: a Call for a request that is over")
	}
	if r.scanned != nil {
		r.scanned = nil // done may answer from elsewhere while the next line is read
	}
	_, err := r.node.begin(dest, body, policy, owner{request: r, done: done, callback: true})
	if err != nil {
		r.run(done, Message{}, 0, err)
	}
}

// An owner is who is told when a call has ended.
type owner struct {
	request  *Request // that the call is made for, if it is known
	done     func(reply Message, attempts int, err error)
	callback bool // done is the user's, and keeps the request open
}

type call = calls.Call[owner]

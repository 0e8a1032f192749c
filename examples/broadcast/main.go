// Broadcast is challenge 3, stages a to c: a value that one node gets reaches all nodes.
//
// A node that gets a new value sends it to its neighbours, in the same message that a
// client sends, and retries until each of them has answered. So loss, duplicates and
// partitions only delay: once the faults are over, all nodes know all values. A node
// answers a broadcast at once; the answer means that this node knows the value. Nothing
// is kept on disk. If a node is killed, the values are lost that only this node knew.
// When it is started again it gets new values, but not the old ones, and it passes none
// on until it gets the topology again.
//
// Each value costs two messages on every link of the topology, and two more on every
// link that closes a circle, where both ends send.
package main

import (
	"context"
	"log"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/retry"
)

// untilAnswered also retries while a neighbour is too busy or not yet initialised.
var untilAnswered = &eddy.Policy{
	Attempts: math.MaxInt,
	Backoff:  retry.Backoff{Kind: retry.Constant, Jitter: retry.FullJitter},
	RetryOn:  []int{int(eddy.Timeout), int(eddy.TemporarilyUnavailable)},
}

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

func newNode() *eddy.Node {
	n := eddy.Node{Drain: 500 * time.Millisecond} // at the end the neighbours may have ended
	var mu sync.Mutex                             // guards the variables below
	var neighbours []string
	known := map[int64]bool{}

	n.Handle("topology", func(_ context.Context, req *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		own := req.Body.Get("topology").Get(n.ID()) // nil for the only node of a line
		if err := own.Decode(&neighbours); own != nil && err != nil {
			return nil, eddy.Errorf(eddy.MalformedRequest, "the neighbours of %s are not a list of names: %v", n.ID(), err)
		}
		return eddy.Raw(`{}`), nil
	})
	n.Handle("broadcast", func(_ context.Context, req *eddy.Request) (any, error) {
		message, ok := req.Body.Get("message").Int()
		if !ok {
			return nil, eddy.Errorf(eddy.MalformedRequest, "message must be an integer")
		}
		mu.Lock()
		defer mu.Unlock()
		if known[message] {
			return eddy.Raw(`{}`), nil
		}
		for _, id := range neighbours {
			if id == req.Src {
				continue
			}
			if err := n.Call(context.Background(), id, req.Body, untilAnswered, func(eddy.Result) {}); err != nil {
				return nil, eddy.Errorf(eddy.Timeout, "%v", err) // indefinite: some neighbours may have the value
			}
		}
		known[message] = true
		return eddy.Raw(`{}`), nil
	})
	n.Handle("read", func(context.Context, *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		return map[string]any{"messages": slices.Sorted(maps.Keys(known))}, nil
	})
	return &n
}

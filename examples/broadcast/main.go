// Broadcast is challenge 3, stages a to c: what one node is told, all shall know.
//
// A node that hears something new hands it on to its neighbours, with the very
// message that a client sends, and asks each again until that one has answered.
// So loss, duplicates and partitions only delay: once the faults are over,
// everybody knows all. Nothing is waited for: an answer means that this node
// knows, and news travel as fast as the links. But nothing is kept on disk: what only
// a killed node knew is lost, and if it is started again it learns what is new, not
// what was, and passes nothing on until it is told the topology again.
//
// Each value costs two messages on every link of the topology, there and back, and two
// more on each that closes a circle, where both ends tell each other.
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

// untilAnswered goes on, too, while a neighbour has too much to do or no name yet.
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
	n := eddy.Node{Drain: 500 * time.Millisecond} // in the end nobody may answer any more
	var mu sync.Mutex                             // guards all below
	var neighbours []string
	known := map[int64]bool{}

	n.Handle("topology", func(_ context.Context, req *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		if err := req.Body.Get("topology").Get(n.ID()).Decode(&neighbours); err != nil {
			return nil, eddy.Errorf(eddy.MalformedRequest, "topology has no neighbours of %s: %v", n.ID(), err)
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
			if err := n.Call(id, req.Body, untilAnswered, func(*eddy.Request, eddy.Message, int, error) {}); err != nil {
				return nil, eddy.Errorf(eddy.Timeout, "%v", err) // indefinite: some have been told
			}
		}
		known[message] = true
		return eddy.Raw(`{}`), nil
	})
	n.Handle("read", func(context.Context, *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		return map[string]any{"messages": slices.Collect(maps.Keys(known))}, nil
	})
	return &n
}

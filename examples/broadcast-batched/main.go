// Broadcast-batched is challenge 3, stages d and e: broadcast with few messages.
//
// Each node tells every other one directly what clients have told it, all that is
// new at once, and only every so often: -period. So a value is known everywhere
// after a period and one latency at most, and there is no node on which the others
// depend: who is cut off keeps nobody else waiting. What is not acknowledged is
// told again in the next round, together with what is new by then; so loss,
// duplicates and partitions only delay. What only a killed node knew is lost, and if it
// is started again it learns what is new, not what was.
//
// A round costs 2 (n-1) messages for each of n nodes that has news, however many,
// and a quiet one none: at most 2 (n-1) for each value, and the longer the period
// the fewer. For a hundred nodes a tree would be cheaper, but it stands still below
// a node that fails.
package main

import (
	"context"
	"flag"
	"log"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
)

func main() {
	period := flag.Duration("period", 400*time.Millisecond, "how often others are told what is new")
	flag.Parse()
	if err := newNode(*period).Run(); err != nil {
		log.Fatal(err)
	}
}

func newNode(period time.Duration) *eddy.Node {
	var n eddy.Node
	var mu sync.Mutex // guards all below
	var told []int64  // by clients, in their order
	known := map[int64]bool{}

	n.OnInit(func(context.Context) error {
		for _, id := range n.IDs() {
			if id == n.ID() {
				continue
			}
			heard := 0 // so many of told the other one has acknowledged
			n.Every(period, func(ctx context.Context) {
				mu.Lock()
				news := told[heard:]
				mu.Unlock()
				if len(news) == 0 {
					return
				}
				if _, _, err := n.RPCWithRetry(ctx, id, map[string]any{"type": "news", "messages": news}, nil); err == nil {
					heard += len(news)
				}
			})
		}
		return nil
	})
	n.Handle("news", func(_ context.Context, req *eddy.Request) (any, error) {
		var body struct {
			Messages []int64 `json:"messages"`
		}
		if err := req.Decode(&body); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, message := range body.Messages {
			known[message] = true
		}
		return eddy.Raw(`{}`), nil
	})
	n.Handle("topology", func(context.Context, *eddy.Request) (any, error) {
		return eddy.Raw(`{}`), nil // it has its own
	})
	n.Handle("broadcast", func(_ context.Context, req *eddy.Request) (any, error) {
		message, ok := req.Body.Get("message").Int()
		if !ok {
			return nil, eddy.Errorf(eddy.MalformedRequest, "message must be an integer")
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, message)
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

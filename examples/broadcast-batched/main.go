// Broadcast-batched is challenge 3, stages d and e: broadcast with few messages.
//
// Each node sends the values that clients have given it directly to every other node:
// all new values at once, in rounds (-period). So every node knows a value after one
// period and one latency at most. No node depends on a third one: a node that is cut off
// delays nobody else. Values that were not acknowledged go out again in the next round,
// together with the new ones. So loss, duplicates and partitions only delay. If a node is
// killed, the values are lost that only this node knew. When it is started again it gets
// new values, but not the old ones.
//
// A round costs 2 (n-1) messages for each of the n nodes that has new values, however
// many, and nothing for the others. So a value costs 2 (n-1) messages at most, and fewer
// with a longer period. For a hundred nodes a tree would be cheaper, but below a node
// that fails nodes get nothing.
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
	period := flag.Duration("period", 400*time.Millisecond, "time between two rounds")
	flag.Parse()
	if err := newNode(*period).Run(); err != nil {
		log.Fatal(err)
	}
}

type node struct {
	eddy.Node
	period time.Duration

	mu    sync.Mutex // guards the fields below
	own   []int64    // the values from clients, in the order in which they came
	known map[int64]bool
	peers []*peer
}

// A peer is another node.
type peer struct {
	id           string
	acknowledged int  // how many of own it has
	called       bool // it has not replied to the latest values
}

func newNode(period time.Duration) *eddy.Node {
	n := &node{period: period, known: map[int64]bool{}}
	n.OnInit(n.start)
	n.Handle("topology", func(context.Context, *eddy.Request) (any, error) {
		return eddy.Raw(`{}`), nil // every node sends to every other one
	})
	n.Handle("broadcast", n.broadcast)
	n.Handle("values", n.values)
	n.Handle("read", n.read)
	return &n.Node
}

// start begins to send to the other nodes.
func (n *node) start(context.Context) error {
	for _, id := range n.IDs() {
		if id != n.ID() {
			n.peers = append(n.peers, &peer{id: id})
		}
	}
	n.Every(n.period, n.round)
	return nil
}

// round sends each other node the values that it has not acknowledged.
func (n *node) round(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.peers {
		news := n.own[p.acknowledged:]
		if p.called || len(news) == 0 {
			continue
		}
		body := map[string]any{"type": "values", "messages": news}
		err := n.Call(ctx, p.id, body, nil, func(r eddy.Result) {
			n.mu.Lock()
			defer n.mu.Unlock()
			p.called = false
			if r.Err == nil {
				p.acknowledged += len(news)
			}
		})
		p.called = err == nil
	}
}

func (n *node) broadcast(_ context.Context, req *eddy.Request) (any, error) {
	message, ok := req.Body.Get("message").Int()
	if !ok {
		return nil, eddy.Errorf(eddy.MalformedRequest, "message must be an integer")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.own = append(n.own, message)
	n.known[message] = true
	return eddy.Raw(`{}`), nil
}

// values takes the values that another node sends.
func (n *node) values(_ context.Context, req *eddy.Request) (any, error) {
	var body struct {
		Messages []int64 `json:"messages"`
	}
	if err := req.Decode(&body); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, message := range body.Messages {
		n.known[message] = true
	}
	return eddy.Raw(`{}`), nil
}

func (n *node) read(context.Context, *eddy.Request) (any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return map[string]any{"messages": slices.Sorted(maps.Keys(n.known))}, nil
}

// First is a small relay: it replies to echo, and calls other nodes for its clients.
package main

import (
	"context"
	"log"

	"github.com/eddyrpc/eddy"
)

func newNode() *eddy.Node {
	var n eddy.Node
	n.Handle("echo", func(ctx context.Context, req *eddy.Request) (any, error) {
		return map[string]any{"echo": req.Body.Get("echo")}, nil
	})
	n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
		target, _ := req.Body.Get("target").Text()
		reply, attempts, err := n.RPCWithRetry(ctx, target, req.Body.Get("payload"), nil)
		return map[string]any{"attempts": attempts, "result": reply.Body}, err
	})
	return &n
}

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

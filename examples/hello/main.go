// Hello is a node in twenty lines: it greets, and it asks n2 for a greeting.
package main

import (
	"context"
	"log"

	"github.com/eddyrpc/eddy"
)

func main() {
	var n eddy.Node
	n.Handle("greet", func(ctx context.Context, req *eddy.Request) (any, error) {
		return map[string]any{"greeting": "hello from " + n.ID()}, nil
	})
	n.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
		reply, attempts, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"greet"}`), nil)
		return map[string]any{"heard": reply.Body.Get("greeting"), "attempts": attempts}, err
	})
	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

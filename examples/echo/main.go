// Echo is challenge 1: the node replies with what it gets.
//
// The reply is the body of the request with another type. Nothing is decoded or copied,
// so any JSON comes back unchanged. The node needs no other node, and so no fault of the
// network between nodes matters.
package main

import (
	"context"
	"log"

	"github.com/eddyrpc/eddy"
)

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

func newNode() *eddy.Node {
	var n eddy.Node
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	return &n
}

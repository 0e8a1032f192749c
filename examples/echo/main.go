// Echo is challenge 1: it says again what it is told.
//
// The reply is the request's own body under another type, so that nothing of it is
// decoded or copied, and whatever JSON was said comes back as it was. A node needs
// nobody else: no fault of the network between nodes keeps it from answering, and
// it sends no message of its own.
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

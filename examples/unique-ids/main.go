// Unique-ids is challenge 2: ids that no node has given out before, not even in an
// earlier incarnation.
//
// An id is 130 random bits. Among 10^18 ids, the probability that two are the same is 1
// in 2,000. So nodes need not communicate, and no partition and no crash matters. The name of
// the node and a counter would be shorter, but the counter starts again when the node
// does. A clock does not, unless somebody sets it back.
package main

import (
	"context"
	"crypto/rand"
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
	n.Handle("generate", func(context.Context, *eddy.Request) (any, error) {
		return map[string]any{"id": rand.Text()}, nil
	})
	return &n
}

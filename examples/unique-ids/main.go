// Unique-ids is challenge 2: ids that nobody was given before, by any node, in any
// of its lives.
//
// An id is 130 random bits: of a billion billion of them, two are the same with a
// chance of one in two thousand. So nodes need not talk, and no partition and no
// crash matters. The node's name and a counter would be shorter on the wire, but
// the counter starts again when the node does; a clock would not, unless somebody
// sets it.
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

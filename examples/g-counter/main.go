// G-counter is challenge 4: a counter to which every node adds, and which only grows.
//
// It is one number in seq-kv. An add reads it and swaps it for the sum, and begins
// anew when another node was faster. A swap that meets silence is not made again,
// and the client is told that the add may have taken effect; a swap that the network
// delivers twice does nothing the second time, since the number never comes back. A
// read writes first, because seq-kv may answer plain ones from the past for ever.
// So an add that was acknowledged is in every later read, whatever node is asked, also
// when nodes have been killed; but who can't reach the service can neither add nor
// read.
//
// An add costs four messages, a read four, and each race that is lost six more. All
// adds stand in one line, each for two round trips to the service: of 10 ms, that is
// fifty adds a second. Without a service, each node would count its own adds and tell
// the others: that adds at any rate and under any partition, but reads are old, and
// what a killed node had not yet told is lost.
package main

import (
	"context"
	"errors"
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
	kv := eddy.SeqKV[int64](&n)

	n.Handle("add", func(ctx context.Context, req *eddy.Request) (any, error) {
		delta, ok := req.Body.Get("delta").Int()
		if !ok || delta < 0 {
			return nil, eddy.Errorf(eddy.MalformedRequest, "delta must be an integer, and not below 0")
		}
		_, err := kv.Update(ctx, "count", func(old int64, _ bool) (int64, error) { return old + delta, nil })
		return eddy.Raw(`{}`), err
	})
	n.Handle("read", func(ctx context.Context, _ *eddy.Request) (any, error) {
		count, err := kv.Fresh(ctx, "count")
		if errors.Is(err, eddy.KeyDoesNotExist) {
			err = nil // nobody has added yet
		}
		return map[string]any{"value": count}, err
	})
	return &n
}

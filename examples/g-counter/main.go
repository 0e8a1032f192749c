// G-counter is challenge 4: a counter to which every node adds, and which only grows.
//
// It is one value in seq-kv. To add, a node reads it and swaps it for one with the sum,
// and begins anew when another node was faster or nobody answered. With a plain number
// that would count twice: a swap whose answer was lost, and one that the network
// delivered twice and whose second copy was answered first, both look like one that was
// not made. So the value also says what each node has added last, and a node adds one
// thing at a time, all that it has been told meanwhile: who finds it there is done. A
// copy that comes late does nothing, since no value comes back. A read writes first,
// because seq-kv may answer plain ones from the past for ever. So an add that was
// acknowledged is in every later read, once, whatever node is asked, also when nodes have
// been killed; but who can't reach the service can neither add nor read.
//
// Adding costs four messages, a read four, and each race that is lost six more. All
// nodes stand in one line, each for two round trips to the service. Without a service,
// each node would count its own adds and tell the others: that adds under any partition,
// but reads are old, and what a killed node had not yet told is lost.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log"
	"time"

	"github.com/eddyrpc/eddy"
)

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

// A counter is the value in seq-kv.
type counter struct {
	Count int64             `json:"count"`
	Last  map[string]string `json:"last"` // what each node has added last
}

// An add waits to be done.
type add struct {
	delta int64
	done  chan error
}

func newNode() *eddy.Node {
	var n eddy.Node
	kv := eddy.SeqKV[counter](&n)
	kv.Again = true
	adds := eddy.NewBatcher(&n, 1, time.Second, func(ctx context.Context, batch []add) {
		id := rand.Text()
		_, err := kv.Update(ctx, "counter", func(c counter, exists bool) (counter, error) {
			switch {
			case !exists:
				c.Last = map[string]string{}
			case c.Last[n.ID()] == id:
				return c, nil
			}
			c.Last[n.ID()] = id
			for _, a := range batch {
				c.Count += a.delta
			}
			return c, nil
		})
		for _, a := range batch {
			a.done <- err
		}
	})

	n.Handle("add", func(_ context.Context, req *eddy.Request) (any, error) {
		delta, ok := req.Body.Get("delta").Int()
		if !ok || delta < 0 {
			return nil, eddy.Errorf(eddy.MalformedRequest, "delta must be an integer, and not below 0")
		}
		done := make(chan error, 1)
		adds.Add(add{delta, done})
		return eddy.Raw(`{}`), <-done
	})
	n.Handle("read", func(ctx context.Context, _ *eddy.Request) (any, error) {
		c, err := kv.Fresh(ctx, "counter")
		if errors.Is(err, eddy.KeyDoesNotExist) {
			err = nil // nobody has added yet
		}
		return map[string]any{"value": c.Count}, err
	})
	return &n
}

// G-counter is challenge 4: a counter to which every node adds, and which only grows.
//
// The counter is one value in seq-kv. To add, a node reads the value and replaces it by
// compare-and-set. If another node was faster or no reply came, it starts again. With a
// plain number this would count some adds twice: if the reply to a compare-and-set is
// lost, or if the network delivers it twice and the reply to the second copy comes
// first, it looks as if nothing was changed. So the value also holds the id of the last
// add of each node, and a node makes one add at a time, for all requests that are
// waiting. If the node finds its id in the value, the add is done. A late copy of a
// compare-and-set has no effect, since no value occurs twice. A read writes first,
// because seq-kv may answer plain reads with old values for ever. So every later read
// has an acknowledged add once, at any node, also after nodes were killed. A node that
// cannot reach the service can neither add nor read.
//
// An add costs four messages, a read four, and each lost race six more. The nodes wait
// for each other, two round trips to the service each. Without a service each node could
// count its own adds and send them to the others. Then adds work in any partition, but
// reads are old, and adds that a killed node had not sent are lost.
package main

import (
	"context"
	"errors"
	"fmt"
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
	Last  map[string]string `json:"last"` // the id of the last add of each node
}

// An add is a request that waits for its add.
type add struct {
	delta int64
	req   *eddy.Request
	done  chan struct{} // closed when it has its reply
}

func newNode() *eddy.Node {
	var n eddy.Node
	kv := eddy.SeqKV[counter](&n)
	kv.Again = true
	started, made := time.Now().UnixNano(), 0 // when the node has started, and how many adds it has made
	adds := eddy.NewBatcher(&n, 1, time.Second, func(ctx context.Context, batch []add) {
		made++
		id := fmt.Sprintf("%d-%d", started, made) // no other add of this node has it, also not of an earlier incarnation
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
		for _, a := range batch { // here and not in the handlers, so that the replies have an order
			if err != nil {
				a.req.Fail(err)
			} else {
				a.req.Reply(eddy.Raw(`{}`))
			}
			close(a.done)
		}
	})

	n.Handle("add", func(_ context.Context, req *eddy.Request) (any, error) {
		delta, ok := req.Body.Get("delta").Int()
		if !ok || delta < 0 {
			return nil, eddy.Errorf(eddy.MalformedRequest, "delta must be an integer and at least 0")
		}
		done := make(chan struct{})
		adds.Add(add{delta, req, done})
		<-done
		return nil, nil // it has its reply
	})
	n.Handle("read", func(ctx context.Context, _ *eddy.Request) (any, error) {
		c, err := kv.Fresh(ctx, "counter")
		if errors.Is(err, eddy.KeyDoesNotExist) {
			err = nil // there was no add yet
		}
		return map[string]any{"value": c.Count}, err
	})
	return &n
}

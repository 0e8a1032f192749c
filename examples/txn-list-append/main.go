// Txn-list-append serves transactions on lists that are strictly serializable: they seem to
// take effect one after the other, each between its request and its reply. It is the design of
// chapter 5 of Maelstrom's guide (after Datomic), in its simplest form.
//
// All lists together are one value in lin-kv. A node runs the transactions that wait at it one
// after the other on the value that it has read, and replaces the value by compare-and-set. If
// another node was faster, it starts again with the new value. So the swaps put all
// transactions in one order, and lin-kv keeps that order in real time.
//
// If no reply to a swap comes, or the network delivers the swap twice, the node cannot tell
// from the replies whether the swap was made. So the value also holds the id of the last batch
// of each node: a node that finds its id in the value knows that its batch is done.
//
// A batch costs four messages, and each lost race four more. A message holds the whole value,
// so the costs grow with it. A larger store would keep each list under a key of its own that
// is never changed, and only the keys in the value that is swapped.
//
// A killed node loses nothing that it has acknowledged. A node that cannot reach the service
// replies with an error: 11 if the transaction had surely no effect, otherwise 0 or 13.
package main

import (
	"context"
	"fmt"
	"log"
	"maps"
	"slices"
	"time"

	"github.com/eddyrpc/eddy"
)

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

// A store is the value in lin-kv.
type store struct {
	Lists map[string][]int64 `json:"lists"` // by the JSON of the key
	Last  map[string]string  `json:"last"`  // the id of the last batch of each node
}

// An op is one operation of a transaction: ["r",1,null] or ["append",1,6].
type op [3]any

// A waiting is a transaction that waits for its turn.
type waiting struct {
	ops  []op
	req  *eddy.Request
	done chan struct{} // closed when it has its reply
}

func newNode() *eddy.Node {
	var n eddy.Node
	kv := eddy.LinKV[store](&n)
	kv.Again = true
	started, made := time.Now().UnixNano(), 0 // when the node has started, and how many batches it has made
	batches := eddy.NewBatcher(&n, 1, time.Second, func(ctx context.Context, batch []waiting) {
		made++
		id := fmt.Sprintf("%d-%d", started, made) // no other batch of this node has it, also not of an earlier incarnation
		var results [][]op
		_, err := kv.Update(ctx, "store", func(s store, _ bool) (store, error) {
			if s.Last[n.ID()] == id {
				return s, nil // the swap was made with the results of the latest run
			}
			after := store{maps.Clone(s.Lists), maps.Clone(s.Last)}
			if after.Lists == nil {
				after = store{map[string][]int64{}, map[string]string{}}
			}
			after.Last[n.ID()] = id
			results = nil
			for _, t := range batch {
				results = append(results, after.run(t.ops))
			}
			return after, nil
		})
		for i, t := range batch { // here and not in the handlers, so that the replies have an order
			if err != nil {
				t.req.Fail(err)
			} else {
				t.req.Reply(map[string]any{"txn": results[i]})
			}
			close(t.done)
		}
	})

	n.Handle("txn", func(_ context.Context, req *eddy.Request) (any, error) {
		var body struct {
			Txn []op `json:"txn"`
		}
		if err := req.Decode(&body); err != nil {
			return nil, err
		}
		if err := check(body.Txn); err != nil {
			return nil, err
		}
		done := make(chan struct{})
		batches.Add(waiting{body.Txn, req, done})
		<-done
		return nil, nil // it has its reply
	})
	return &n
}

func check(ops []op) error {
	for _, o := range ops {
		value, isNumber := o[2].(float64)
		switch {
		case o[0] == "r":
		case o[0] == "append" && isNumber && value == float64(int64(value)):
		default:
			return eddy.Errorf(eddy.MalformedRequest, "an operation must be r, or append with an integer")
		}
	}
	return nil
}

// run does the operations of a transaction and returns them with what was read.
func (s *store) run(ops []op) []op {
	done := slices.Clone(ops)
	for i, o := range ops {
		raw, err := eddy.Marshal(map[string]any{"key": o[1]})
		if err != nil {
			panic(err) // it was JSON
		}
		key := string(raw.Get("key"))
		if o[0] == "r" {
			done[i][2] = s.Lists[key]
			continue
		}
		s.Lists[key] = append(slices.Clip(s.Lists[key]), int64(o[2].(float64)))
	}
	return done
}

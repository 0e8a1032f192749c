// Txn-snapshot serves transactions on lists with snapshot isolation, and no more (Berenson et
// al., A Critique of ANSI SQL Isolation Levels, 1995). A transaction reads a snapshot: what all
// transactions before some moment have left. It commits only if the lists to which it appends
// are still as they are in the snapshot. The lists that it has only read may have changed. So
// two transactions can each append to a list that the other one has read, and neither sees the
// other: write skew, which no serial order explains. examples/txn-list-append is serializable.
//
// All lists together are one value in lin-kv. Each node keeps the latest value that it has seen
// and reads the value ten times a second. This is the snapshot of the transactions that arrive.
// A transaction that only reads gets its reply from the snapshot, without a message, also when
// the node is cut off. The others commit in batches: the node replaces the value by
// compare-and-set, and starts again with the new value if another node was faster. If a list to
// which a transaction appends has changed, the transaction runs again, on the value that is
// replaced. So no transaction is aborted.
//
// If no reply to a swap comes, or the network delivers the swap twice, the node cannot tell
// from the replies whether the swap was made. So the value also holds the id of the last batch
// of each node: a node that finds its id in the value knows that its batch is done.
//
// A read may miss what was acknowledged up to a tenth of a second before, and longer while the
// node cannot reach the service, but not what the same node has shown before. A killed node
// loses nothing that it has acknowledged. A node that cannot reach the service replies to
// transactions that append with an error: 11 if the transaction had surely no effect, otherwise
// 0 or 13.
package main

import (
	"context"
	"fmt"
	"log"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
)

const refresh = 100 * time.Millisecond

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

// A store is the value in lin-kv. It is not changed any more once it is a snapshot.
type store struct {
	Commits int                `json:"commits"`
	Lists   map[string][]int64 `json:"lists"` // by the JSON of the key
	Last    map[string]string  `json:"last"`  // the id of the last batch of each node
}

// An op is one operation of a transaction: ["r",1,null] or ["append",1,6].
type op [3]any

// A waiting is a transaction that waits for its turn.
type waiting struct {
	ops      []op
	snapshot *store
	req      *eddy.Request
	done     chan struct{} // closed when it has its reply
}

// A latest is the latest store that a node has seen.
type latest struct {
	mu    sync.Mutex
	store *store // nil if there is none
}

// see takes a store, unless it is older, and returns the latest one.
func (l *latest) see(s *store) *store {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store == nil || s != nil && s.Commits > l.store.Commits {
		l.store = s
	}
	return l.store
}

func newNode() *eddy.Node {
	var n eddy.Node
	var snapshots latest
	kv := eddy.LinKV[store](&n)
	kv.Again = true
	read := func(ctx context.Context) (*store, error) {
		s, err := kv.ReadOr(ctx, "store", store{})
		if err != nil {
			return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "no snapshot: %w", err)
		}
		return snapshots.see(&s), nil
	}
	n.Every(refresh, func(ctx context.Context) { read(ctx) })

	started, made := time.Now().UnixNano(), 0 // when the node has started, and how many batches it has made
	batches := eddy.NewBatcher(&n, 1, time.Second, func(ctx context.Context, batch []waiting) {
		made++
		id := fmt.Sprintf("%d-%d", started, made) // no other batch of this node has it, also not of an earlier incarnation
		after, results, err := commit(ctx, kv, n.ID(), id, batch)
		if err == nil {
			snapshots.see(after)
		}
		for i, t := range batch { // here and not in the handlers, so that the replies have an order
			if err != nil {
				t.req.Fail(err)
			} else {
				t.req.Reply(map[string]any{"txn": results[i]})
			}
			close(t.done)
		}
	})

	n.Handle("txn", func(ctx context.Context, req *eddy.Request) (any, error) {
		ops, err := parse(req)
		if err != nil {
			return nil, err
		}
		snapshot := snapshots.see(nil)
		if snapshot == nil { // the node has just started
			if snapshot, err = read(ctx); err != nil {
				return nil, err
			}
		}
		if !slices.ContainsFunc(ops, func(o op) bool { return o[0] == "append" }) {
			return map[string]any{"txn": snapshot.run(ops)}, nil
		}
		done := make(chan struct{})
		batches.Add(waiting{ops, snapshot, req, done})
		<-done
		return nil, nil // it has its reply
	})
	return &n
}

// commit commits a batch of a node in one swap. It returns the store after it, and the
// operations of each transaction with what was read.
func commit(ctx context.Context, kv *eddy.KV[store], node, id string, batch []waiting) (*store, [][]op, error) {
	var results [][]op
	after, err := kv.Update(ctx, "store", func(s store, _ bool) (store, error) {
		if s.Last[node] == id {
			return s, nil // the swap was made with the results of the latest run
		}
		after := s.clone()
		after.Commits++
		after.Last[node] = id
		results = nil
		for _, t := range batch {
			results = append(results, after.commit(t))
		}
		return *after, nil
	})
	return &after, results, err
}

// parse returns the operations of a request.
func parse(req *eddy.Request) ([]op, error) {
	var body struct {
		Txn []op `json:"txn"`
	}
	if err := req.Decode(&body); err != nil {
		return nil, err
	}
	for _, o := range body.Txn {
		value, isNumber := o[2].(float64)
		switch {
		case o[0] == "r":
		case o[0] == "append" && isNumber && value == float64(int64(value)):
		default:
			return nil, eddy.Errorf(eddy.MalformedRequest, "an operation must be r, or append with an integer")
		}
	}
	return body.Txn, nil
}

// clone returns a copy to which lists can be appended.
func (s *store) clone() *store {
	c := store{s.Commits, maps.Clone(s.Lists), maps.Clone(s.Last)}
	if c.Lists == nil {
		c.Lists, c.Last = map[string][]int64{}, map[string]string{}
	}
	return &c
}

// commit appends what a transaction appends, and returns its operations with what it has read
// in its snapshot. If a list to which it appends has changed since, the first one to commit
// wins, and s is the snapshot.
func (s *store) commit(t waiting) []op {
	snapshot := t.snapshot.clone()
	for _, o := range t.ops {
		if key := keyOf(o); o[0] == "append" && len(s.Lists[key]) != len(snapshot.Lists[key]) {
			return s.run(t.ops)
		}
	}
	s.run(t.ops)
	return snapshot.run(t.ops)
}

// run does the operations of a transaction and returns them with what was read.
func (s *store) run(ops []op) []op {
	done := slices.Clone(ops)
	for i, o := range ops {
		key := keyOf(o)
		if o[0] == "r" {
			done[i][2] = s.Lists[key]
			continue
		}
		s.Lists[key] = append(slices.Clip(s.Lists[key]), int64(o[2].(float64)))
	}
	return done
}

// keyOf returns the JSON of the key of an operation.
func keyOf(o op) string {
	raw, err := eddy.Marshal(map[string]any{"key": o[1]})
	if err != nil {
		panic(err) // it was JSON
	}
	return string(raw.Get("key"))
}

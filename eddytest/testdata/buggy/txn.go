package buggy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// An op is an operation of a transaction: ["r",1,null] or ["append",1,6].
type op [3]eddy.Raw

// lists are all lists of workload txn-list-append, by key. They are one value in lin-kv.
type lists map[string][]eddy.Raw

// run runs a transaction. It returns the lists after it, and its operations with what was read.
func (l lists) run(ops []op) (after lists, done []op) {
	after, done = maps.Clone(l), slices.Clone(ops)
	for i, o := range ops {
		key := string(o[1])
		if string(o[0]) == `"append"` {
			after[key] = append(slices.Clip(after[key]), o[2])
			continue
		}
		done[i][2], _ = eddy.Marshal(after[key])
	}
	return after, done
}

// A swapper serves transactions by compare-and-set of all lists.
type swapper struct {
	keepsResult bool // after a lost race it swaps for the result that it has computed before
	believes22  bool // precondition-failed means that nothing was changed, also after a timeout
	attempts    int  // of a compare-and-set
}

func (s swapper) program(p *eddytest.Process) error {
	var n eddy.Node
	kv := eddy.LinKV[lists](&n)
	kv.Changes = &eddy.Policy{Attempts: s.attempts}
	n.Handle("txn", func(ctx context.Context, req *eddy.Request) (any, error) {
		var ops []op
		if err := req.Body.Get("txn").Decode(&ops); err != nil {
			return nil, err
		}
		var after lists
		var done []op
		for range 20 {
			before, err := kv.ReadOr(ctx, "lists", lists{})
			if err != nil {
				return nil, eddy.Errorf(eddy.TxnConflict, "nothing was changed: %v", err)
			}
			if after == nil || !s.keepsResult {
				after, done = before.run(ops)
			}
			err = kv.CompareAndSwap(ctx, "lists", before, after, true)
			switch lost := errors.Is(err, eddy.PreconditionFailed); {
			case err == nil:
				return map[string]any{"txn": done}, nil
			case !lost, errors.Is(err, eddy.ErrIndefinite) && !s.believes22:
				return nil, eddy.Errorf(eddy.Timeout, "it may have been committed: %v", err)
			case errors.Is(err, eddy.ErrIndefinite):
				return nil, eddy.Errorf(eddy.TxnConflict, "another transaction was faster")
			}
		}
		return nil, eddy.TxnConflict
	})
	return serve(&n, p)
}

var lostUpdate = Bug{
	Name:  "lost update",
	What:  "loses a race, reads the value again, and swaps it for the result that it has computed from the old one",
	Buggy: swapper{keepsResult: true, attempts: 1}.program, Healthy: swapper{attempts: 1}.program,
	Test:   eddytest.Test{Workload: "txn-list-append", Nodes: 3, Rate: 3, Time: 3 * time.Second, Latency: "exponential:1ms"},
	Checks: []string{"lost-write"},
}

var abortedRead = Bug{
	Name:  "aborted read",
	What:  "a swap times out and is sent again, and the second one gets precondition-failed: the node says that the transaction was aborted, but it was committed",
	Buggy: swapper{believes22: true, attempts: 3}.program, Healthy: swapper{attempts: 3}.program,
	Test:   eddytest.Test{Workload: "txn-list-append", Nodes: 3, Rate: 10, Time: 5 * time.Second, Latency: "exponential:5ms", Loss: 0.002},
	Checks: []string{"G1a"},
}

// A commit is the writes of a transaction. Commits are ordered by time and node.
type commit struct {
	Time   int64               `json:"time"`
	Node   string              `json:"node"`
	Writes map[string]eddy.Raw `json:"writes"`
}

// A registers is a node of workload txn-rw-register. It serves transactions at once and then
// sends what they wrote to the other nodes. Of two commits the later one wins.
type registers struct {
	eddy.Node
	inPlace bool // each write takes effect at once, and not when the transaction commits

	mu     sync.Mutex // guards what follows
	clock  int64
	latest map[string]commit
}

// apply applies a commit.
func (r *registers) apply(c commit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock = max(r.clock, c.Time)
	for key := range c.Writes {
		if old := r.latest[key]; c.Time > old.Time || c.Time == old.Time && c.Node > old.Node {
			r.latest[key] = c
		}
	}
}

// next returns the time of the next commit.
func (r *registers) next() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock++
	return r.clock
}

// read reads a register, which takes time, as with a disk.
func (r *registers) read(key string) eddy.Raw {
	time.Sleep(time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest[key].Writes[key]
}

// txn serves a transaction.
func (r *registers) txn(_ context.Context, req *eddy.Request) (any, error) {
	var ops []op
	if err := req.Body.Get("txn").Decode(&ops); err != nil {
		return nil, err
	}
	writes := map[string]eddy.Raw{}
	for i, o := range ops {
		key := string(o[1])
		value, own := writes[key]
		switch {
		case string(o[0]) == `"w"`:
			writes[key] = o[2]
			if r.inPlace {
				r.apply(commit{r.next(), r.ID(), map[string]eddy.Raw{key: o[2]}})
			}
		case own:
			ops[i][2] = value
		default:
			ops[i][2] = r.read(key)
		}
	}
	if len(writes) > 0 {
		c := commit{r.next(), r.ID(), writes}
		r.apply(c)
		for _, id := range others(&r.Node) {
			r.Call(context.Background(), id, map[string]any{"type": "commit", "commit": c}, &eddy.Policy{Attempts: 1000}, func(eddy.Result) {})
		}
	}
	return map[string]any{"txn": ops}, nil
}

func transactions(inPlace bool) Program {
	return func(p *eddytest.Process) error {
		r := &registers{inPlace: inPlace, latest: map[string]commit{}}
		r.Handle("txn", r.txn)
		r.Handle("commit", func(_ context.Context, req *eddy.Request) (any, error) {
			var c commit
			err := req.Body.Get("commit").Decode(&c)
			r.apply(c)
			return eddy.Raw(`{}`), err
		})
		return serve(&r.Node, p)
	}
}

var dirtyRead = Bug{
	Name:  "dirty read",
	What:  "lets each write of a transaction take effect at once: a transaction that runs at the same time reads a value that is overwritten before the commit",
	Buggy: transactions(true), Healthy: transactions(false),
	Test: eddytest.Test{Workload: "txn-rw-register", Nodes: 3, Rate: 10, Time: 5 * time.Second, Latency: "exponential:20ms",
		ConsistencyModels: "read-committed", Nemesis: "partition"},
	Checks: []string{"G1b", "G1c", "G0"},
}

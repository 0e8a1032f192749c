package eddytest

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/retry"
)

// A featured node of workload broadcast uses what is random, and what has timers, in package
// eddy. A Batcher gathers values; a flush counts itself in seq-kv by Update and sends the batch
// by a policy with an adaptive timeout and random pauses. A read returns Later and asks another
// node by a policy with hedges and a budget.
func featured(p *Process) error {
	n := &eddy.Node{Drain: time.Second, Log: slog.New(slog.DiscardHandler)}
	adaptive := &eddy.Policy{
		Attempts: 10, Adaptive: &retry.Adaptive{Max: time.Second}, CallID: true,
		Backoff: retry.Backoff{Kind: retry.Decorrelated, Base: 10 * time.Millisecond, Cap: 200 * time.Millisecond},
	}
	hedged := &eddy.Policy{Attempts: 3, Hedge: 60 * time.Millisecond, MaxHedges: 1, Budget: retry.Budget{Ratio: 0.2, PerSecond: 10}}
	var mu sync.Mutex
	known := map[int64]bool{}
	kv := eddy.SeqKV[int](n)
	batcher := eddy.NewBatcher(n, 5, 50*time.Millisecond, func(ctx context.Context, batch []int64) {
		kv.Update(ctx, "flushes", func(old int, _ bool) (int, error) { return old + 1, nil })
		for _, id := range n.IDs() {
			if id != n.ID() {
				n.Call(ctx, id, map[string]any{"type": "values", "values": batch}, adaptive, func(eddy.Result) {})
			}
		}
	})
	add := func(values ...int64) {
		mu.Lock()
		defer mu.Unlock()
		for _, value := range values {
			known[value] = true
		}
	}
	n.Handle("topology", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
	n.Handle("broadcast", func(_ context.Context, req *eddy.Request) (any, error) {
		value, _ := req.Body.Get("message").Int()
		add(value)
		err := req.Reply(eddy.Raw(`{}`)) // before a flush, which another goroutine may begin
		batcher.Add(value)
		return nil, err
	})
	n.Handle("values", new(eddy.Dedup).Handler(func(_ context.Context, req *eddy.Request) (any, error) {
		var values []int64
		err := req.Body.Get("values").Decode(&values)
		add(values...)
		return eddy.Raw(`{}`), err
	}))
	n.Handle("ask", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
	n.HandleInline("read", func(ctx context.Context, req *eddy.Request) (any, error) {
		at := slices.Index(n.IDs(), n.ID())
		other := n.IDs()[(at+1)%len(n.IDs())]
		return eddy.Later, req.Call(ctx, other, eddy.Raw(`{"type":"ask"}`), hedged, func(eddy.Result) {
			mu.Lock()
			defer mu.Unlock()
			req.Reply(map[string]any{"type": "read_ok", "messages": slices.Sorted(maps.Keys(known))})
		})
	})
	return n.Serve(p.Context, p)
}

// A node that uses all of this gives the same run for the same seed.
func TestFeaturesAreReproducible(t *testing.T) {
	test := lossy
	test.Nemesis = "partition,pause,kill"
	c := checkingOf(t, featured, test)
	for seed := range uint64(8) {
		a, b := c.run(seed), c.run(seed)
		if text := firstDifference(a.result.Journal, b.result.Journal); text != "" {
			t.Errorf("seed %d: %s", seed, text)
		}
		count := map[string]int{}
		for i := range a.result.Journal.Len() {
			for _, typ := range []string{`"values"`, `"ask"`, `"cas"`, `"read_ok"`} {
				if strings.Contains(string(a.result.Journal.At(i).Body), `"type":`+typ) {
					count[typ]++
				}
			}
		}
		if len(count) < 4 {
			t.Errorf("seed %d: too little was used: %v", seed, count)
		}
	}
}

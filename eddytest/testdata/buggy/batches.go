package buggy

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// batches is a node of workload broadcast that sends to each other node, ten times a second,
// the values from clients that this node has not acknowledged.
func batches(addsUp bool) Program {
	return func(p *eddytest.Process) error {
		var n eddy.Node
		var mu sync.Mutex
		var own []int64
		known, acknowledged := map[int64]bool{}, map[string]int{}

		n.Every(100*time.Millisecond, func(context.Context) {
			mu.Lock()
			defer mu.Unlock()
			for _, id := range others(&n) {
				from, to := acknowledged[id], len(own)
				if from >= to {
					continue
				}
				body := map[string]any{"type": "values", "values": own[from:to]}
				n.Call(context.Background(), id, body, once, func(r eddy.Result) {
					mu.Lock()
					defer mu.Unlock()
					switch {
					case r.Err != nil:
					case addsUp:
						acknowledged[id] += to - from
					default:
						acknowledged[id] = max(acknowledged[id], to)
					}
				})
			}
		})
		n.Handle("topology", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
		n.Handle("broadcast", func(_ context.Context, req *eddy.Request) (any, error) {
			value, _ := req.Body.Get("message").Int()
			mu.Lock()
			defer mu.Unlock()
			own, known[value] = append(own, value), true
			return eddy.Raw(`{}`), nil
		})
		n.Handle("values", func(_ context.Context, req *eddy.Request) (any, error) {
			var values []int64
			if err := req.Body.Get("values").Decode(&values); err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, value := range values {
				known[value] = true
			}
			return eddy.Raw(`{}`), nil
		})
		n.Handle("read", func(context.Context, *eddy.Request) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			return map[string]any{"messages": sorted(known)}, nil
		})
		return serve(&n, p)
	}
}

// sorted returns the elements of a set.
func sorted(set map[int64]bool) []int64 {
	elements := []int64{}
	for element := range set {
		elements = append(elements, element)
	}
	slices.Sort(elements)
	return elements
}

var doubleAck = Bug{
	Name: "double acknowledgement",
	What: "adds up what was acknowledged: if a round trip takes longer than the period, the same values are " +
		"acknowledged twice, and as many later ones are never sent",
	Buggy: batches(true), Healthy: batches(false),
	Test:   eddytest.Test{Workload: "broadcast", Nodes: 3, Rate: 20, Time: 5 * time.Second, Latency: "exponential:10ms", Loss: 0.02},
	Checks: []string{"lost"},
}

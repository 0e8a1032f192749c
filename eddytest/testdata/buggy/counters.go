package buggy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A total is what one node has added, all together.
type total struct {
	Version int   `json:"version"` // how many adds this is
	Sum     int64 `json:"sum"`
}

// totals is a node of workload pn-counter. It keeps its own total in a file for each version,
// of which the last three stay, and tells the others five times a second.
func totals(later func(a, b string) int) Program {
	return func(p *eddytest.Process) error {
		var n eddy.Node
		var mu sync.Mutex
		all := map[string]total{}
		name := func(version int) string { return filepath.Join(p.Dir(), "total-"+strconv.Itoa(version)) }
		n.OnInit(func(context.Context) error {
			files, err := filepath.Glob(filepath.Join(p.Dir(), "total-*"))
			if err != nil || len(files) == 0 {
				return err
			}
			latest := slices.MaxFunc(files, later)
			text, err := os.ReadFile(latest)
			var own total
			if err == nil {
				err = eddy.Raw(text).Decode(&own)
			}
			all[n.ID()] = own
			return err
		})
		n.Every(200*time.Millisecond, func(context.Context) {
			mu.Lock()
			defer mu.Unlock()
			for _, id := range others(&n) {
				n.Send(id, map[string]any{"type": "total", "total": all[n.ID()]})
			}
		})
		n.Handle("total", func(_ context.Context, req *eddy.Request) (any, error) {
			var its total
			err := req.Body.Get("total").Decode(&its)
			mu.Lock()
			defer mu.Unlock()
			if its.Version > all[req.Src].Version {
				all[req.Src] = its
			}
			return nil, err
		})
		n.Handle("add", func(_ context.Context, req *eddy.Request) (any, error) {
			delta, _ := req.Body.Get("delta").Int()
			mu.Lock()
			defer mu.Unlock()
			own := total{all[n.ID()].Version + 1, all[n.ID()].Sum + delta}
			text, err := eddy.Marshal(own)
			if err == nil {
				err = os.WriteFile(name(own.Version), text, 0o644)
			}
			if err == nil {
				os.Remove(name(own.Version - 3))
				all[n.ID()] = own
			}
			return eddy.Raw(`{}`), err
		})
		n.Handle("read", func(context.Context, *eddy.Request) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			sum := int64(0)
			for _, t := range all {
				sum += t.Sum
			}
			return map[string]any{"value": sum}, nil
		})
		return serve(&n, p)
	}
}

var fileOrder = Bug{
	Name:  "order of files",
	What:  "reads the file whose name is the last in the order of strings: total-9 and not total-10, if the node is killed just then",
	Buggy: totals(strings.Compare),
	Healthy: totals(func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	}),
	Test:   eddytest.Test{Workload: "pn-counter", Nodes: 3, Rate: 10, Time: 10 * time.Second, Nemesis: "kill", NemesisInterval: 2 * time.Second},
	Checks: []string{"wrong-final-value", "diverged"},
}

// primary is a node of workload g-counter. The first node counts, the others call it. once
// wraps the handlers of the first node.
func primary(once func() func(eddy.Handler) eddy.Handler, policy *eddy.Policy) Program {
	return func(p *eddytest.Process) error {
		var n eddy.Node
		var mu sync.Mutex
		wrap := once()
		sum := int64(0) // what the first node has counted, or what another one has seen
		forward := func(h eddy.Handler) eddy.Handler {
			h = wrap(h)
			return func(ctx context.Context, req *eddy.Request) (any, error) {
				first := n.IDs()[0]
				if n.ID() == first {
					return h(ctx, req)
				}
				reply, _, err := n.RPCWithRetry(ctx, first, req.Body, policy)
				if err != nil {
					return nil, err
				}
				value, isRead := reply.Body.Get("value").Int()
				if !isRead {
					return eddy.Raw(`{}`), nil
				}
				mu.Lock()
				defer mu.Unlock()
				sum = max(sum, value)
				return map[string]any{"value": sum}, nil
			}
		}
		n.Handle("add", forward(func(_ context.Context, req *eddy.Request) (any, error) {
			delta, _ := req.Body.Get("delta").Int()
			mu.Lock()
			defer mu.Unlock()
			sum += delta
			return eddy.Raw(`{}`), nil
		}))
		n.Handle("read", forward(func(context.Context, *eddy.Request) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			return map[string]any{"value": sum}, nil
		}))
		return serve(&n, p)
	}
}

func byMsgID() func(eddy.Handler) eddy.Handler  { return (&eddy.Dedup{ByMsgID: true}).Handler }
func byCallID() func(eddy.Handler) eddy.Handler { return new(eddy.Dedup).Handler }
func noDedup() func(eddy.Handler) eddy.Handler  { return func(h eddy.Handler) eddy.Handler { return h } }

var lateReply = Bug{
	Name:  "late reply",
	What:  "counts each attempt of an add: if the reply to the first one comes after its timeout, the second one is under way and counts, too",
	Buggy: primary(noDedup, nil), Healthy: primary(byCallID, &eddy.Policy{CallID: true}),
	Test:   eddytest.Test{Workload: "g-counter", Nodes: 3, Rate: 10, Time: 4 * time.Second, Latency: "exponential:60ms"},
	Checks: []string{"wrong-final-value", "unexplained"},
}

var dedupByMsgID = Bug{
	Name:  "deduplication by msg_id",
	What:  "finds what the network has duplicated, but not a retry, which has another msg_id: if a reply is lost, the add counts twice",
	Buggy: primary(byMsgID, nil), Healthy: primary(byCallID, &eddy.Policy{CallID: true}),
	Test:   eddytest.Test{Workload: "g-counter", Nodes: 3, Rate: 10, Time: 4 * time.Second, Loss: 0.005, Duplicate: 0.1},
	Checks: []string{"wrong-final-value", "unexplained"},
}

// swaps is a node of workload pn-counter whose counter is a value in seq-kv.
func swaps(again bool) Program {
	return func(p *eddytest.Process) error {
		var n eddy.Node
		kv := eddy.SeqKV[int64](&n)
		kv.Again = again
		n.Handle("add", func(ctx context.Context, req *eddy.Request) (any, error) {
			delta, _ := req.Body.Get("delta").Int()
			_, err := kv.Update(ctx, "counter", func(old int64, _ bool) (int64, error) { return old + delta, nil })
			return eddy.Raw(`{}`), err
		})
		n.Handle("read", func(ctx context.Context, _ *eddy.Request) (any, error) {
			value, err := kv.Fresh(ctx, "counter")
			if errors.Is(err, eddy.KeyDoesNotExist) {
				err = nil
			}
			return map[string]any{"value": value}, err
		})
		return serve(&n, p)
	}
}

var countsAgain = Bug{
	Name:  "counts again",
	What:  "tries an add again after a timeout, although its compare-and-set may have had its effect",
	Buggy: swaps(true), Healthy: swaps(false),
	Test:   eddytest.Test{Workload: "pn-counter", Nodes: 3, Rate: 10, Time: 4 * time.Second, Loss: 0.001, Nemesis: "partition"},
	Checks: []string{"wrong-final-value", "unexplained"},
}

// stamps is a node of workload unique-ids. An id is the name of the node, the number of the
// incarnation, and a counter.
func stamps(incarnation func(dir string) (int64, error)) Program {
	return func(p *eddytest.Process) error {
		start, err := incarnation(p.Dir())
		if err != nil {
			return err
		}
		var n eddy.Node
		count := 0
		n.HandleInline("generate", func(context.Context, *eddy.Request) (any, error) {
			count++
			return map[string]any{"id": fmt.Sprint(n.ID(), "-", start, "-", count)}, nil
		})
		return serve(&n, p)
	}
}

var restartSecond = Bug{
	Name:  "second of the start",
	What:  "numbers its incarnations by the second in which they start: two of them may start in the same one",
	Buggy: stamps(func(string) (int64, error) { return time.Now().Unix(), nil }),
	Healthy: stamps(func(dir string) (int64, error) {
		file, err := os.OpenFile(filepath.Join(dir, "incarnations"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return 0, err
		}
		defer file.Close()
		if _, err := file.Write([]byte{'.'}); err != nil {
			return 0, err
		}
		info, err := file.Stat()
		return info.Size(), err
	}),
	Test:   eddytest.Test{Workload: "unique-ids", Nodes: 3, Rate: 10, Time: 10 * time.Second, Nemesis: "kill", NemesisInterval: 550 * time.Millisecond},
	Checks: []string{"duplicate-id"},
}

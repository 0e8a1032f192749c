package buggy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// acks is a node of workload broadcast that sends each value to all other nodes in one
// message, which has one msg_id, and again every 0.2 s until it is acknowledged.
func acks(fromAnyone bool) Program {
	type waiting struct {
		dest string
		id   int
	}
	return func(p *eddytest.Process) error {
		r := &raw{p: p}
		known, open, last := map[int64]bool{}, map[waiting]int64{}, 0
		send := func(w waiting) { r.send(w.dest, typed("value").set("value", open[w]).set("msg_id", w.id)) }
		r.every(200*time.Millisecond, func() {
			var all []waiting
			for w := range open {
				all = append(all, w)
			}
			slices.SortFunc(all, func(a, b waiting) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.dest, b.dest)) })
			for _, w := range all {
				send(w)
			}
		})
		return r.serve(func(m message, typ string) {
			switch typ {
			case "topology":
				r.reply(m, "topology_ok", body{})
			case "broadcast":
				value := int64(m.Body.int("message"))
				known[value] = true
				last++
				for _, id := range r.nodes {
					open[waiting{id, last}] = value
					send(waiting{id, last})
				}
				r.reply(m, "broadcast_ok", body{})
			case "value":
				known[int64(m.Body.int("value"))] = true
				r.reply(m, "value_ok", body{})
			case "value_ok":
				for w := range open {
					if w.id == m.Body.int("in_reply_to") && (fromAnyone || w.dest == m.Src) {
						delete(open, w)
					}
				}
			case "read":
				r.reply(m, "read_ok", body{}.set("messages", sorted(known)))
			}
		})
	}
}

var anyAck = Bug{
	Name:  "acknowledged by anyone",
	What:  "looks at the msg_id of an acknowledgement and not at its sender: a node to which the first message was lost never gets it",
	Buggy: acks(true), Healthy: acks(false),
	Test:   eddytest.Test{Workload: "broadcast", Nodes: 3, Rate: 8, Time: 4 * time.Second, Latency: "exponential:10ms", Loss: 0.01},
	Checks: []string{"lost"},
}

// pending is a node of workload g-set. Ten times a second it sends each other node the
// elements that this node has not acknowledged.
func pending(clearsAll bool) Program {
	return func(p *eddytest.Process) error {
		r := &raw{p: p}
		set, waiting, last := map[int64]bool{}, map[string]map[int64]bool{}, 0
		sent := map[int][]int64{}
		r.every(100*time.Millisecond, func() {
			for _, id := range r.nodes {
				if len(waiting[id]) > 0 {
					last++
					sent[last] = sorted(waiting[id])
					r.send(id, typed("merge").set("elements", sent[last]).set("msg_id", last))
				}
			}
		})
		return r.serve(func(m message, typ string) {
			switch typ {
			case "add":
				element := int64(m.Body.int("element"))
				for _, id := range r.nodes {
					if waiting[id] == nil {
						waiting[id] = map[int64]bool{}
					}
					if !set[element] {
						waiting[id][element] = true
					}
				}
				set[element] = true
				r.reply(m, "add_ok", body{})
			case "merge":
				var elements []int64
				json.Unmarshal(m.Body["elements"], &elements)
				for _, element := range elements {
					set[element] = true
				}
				r.reply(m, "merge_ok", body{})
			case "merge_ok":
				for _, element := range sent[m.Body.int("in_reply_to")] {
					delete(waiting[m.Src], element)
				}
				if clearsAll {
					clear(waiting[m.Src])
				}
			case "read":
				r.reply(m, "read_ok", body{}.set("value", sorted(set)))
			}
		})
	}
}

var clearsPending = Bug{
	Name:  "clears what is pending",
	What:  "an acknowledgement clears all that is pending: an element is lost that was added while the message or its reply was under way",
	Buggy: pending(true), Healthy: pending(false),
	Test:   eddytest.Test{Workload: "g-set", Nodes: 3, Rate: 10, Time: 4 * time.Second, Latency: "exponential:1ms", Loss: 0.02, Duplicate: 0.02, Nemesis: "partition"},
	Checks: []string{"lost"},
}

// digests is a node of workload g-set. It tells the other one what its set looks like, five
// times a second, and gets the other set if that looks different.
func digests(digest func(map[int64]bool) string) Program {
	return func(p *eddytest.Process) error {
		var n eddy.Node
		var mu sync.Mutex
		set := map[int64]bool{}
		n.Every(200*time.Millisecond, func(context.Context) {
			mu.Lock()
			defer mu.Unlock()
			for _, id := range others(&n) {
				n.Send(id, map[string]any{"type": "digest", "digest": digest(set)})
			}
		})
		n.Handle("digest", func(_ context.Context, req *eddy.Request) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			if other, _ := req.Body.Get("digest").Text(); other != digest(set) {
				return nil, n.Send(req.Src, map[string]any{"type": "merge", "elements": sorted(set)})
			}
			return nil, nil
		})
		n.Handle("merge", func(_ context.Context, req *eddy.Request) (any, error) {
			var elements []int64
			err := req.Body.Get("elements").Decode(&elements)
			mu.Lock()
			defer mu.Unlock()
			for _, element := range elements {
				set[element] = true
			}
			return nil, err
		})
		n.Handle("add", func(_ context.Context, req *eddy.Request) (any, error) {
			element, _ := req.Body.Get("element").Int()
			mu.Lock()
			defer mu.Unlock()
			set[element] = true
			return eddy.Raw(`{}`), nil
		})
		n.Handle("read", func(context.Context, *eddy.Request) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			return map[string]any{"value": sorted(set)}, nil
		})
		return serve(&n, p)
	}
}

var countDigest = Bug{
	Name:  "digest is a count",
	What:  "takes two sets for equal if they have the same number of elements: the last elements that crossed are never exchanged",
	Buggy: digests(func(set map[int64]bool) string { return fmt.Sprint(len(set)) }),
	Healthy: digests(func(set map[int64]bool) string {
		h := fnv.New64a()
		fmt.Fprint(h, sorted(set))
		return fmt.Sprint(h.Sum64())
	}),
	Test:   eddytest.Test{Workload: "g-set", Nodes: 2, Rate: 5, Time: 4 * time.Second, Latency: "exponential:20ms", Loss: 0.05},
	Checks: []string{"lost"},
}

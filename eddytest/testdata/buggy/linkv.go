package buggy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/maelstrom"
)

// A keyed is the body of a read, write or cas.
type keyed struct {
	Key   eddy.Raw `json:"key"`
	Value eddy.Raw `json:"value"`
	From  eddy.Raw `json:"from"`
	To    eddy.Raw `json:"to"`
}

// store is a node of workload lin-kv that keeps the values in the service lin-kv.
func store(cas func(context.Context, *eddy.KV[eddy.Raw], *keyed) error) Program {
	return func(p *eddytest.Process) error {
		var n eddy.Node
		kv := eddy.LinKV[eddy.Raw](&n)
		handle := func(typ string, serve func(context.Context, *keyed) (any, error)) {
			n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
				var b keyed
				if err := req.Decode(&b); err != nil {
					return nil, err
				}
				return serve(ctx, &b)
			})
		}
		handle("read", func(ctx context.Context, b *keyed) (any, error) {
			value, err := kv.Read(ctx, b.Key)
			return map[string]any{"value": value}, err
		})
		handle("write", func(ctx context.Context, b *keyed) (any, error) {
			return eddy.Raw(`{}`), kv.Write(ctx, b.Key, b.Value)
		})
		handle("cas", func(ctx context.Context, b *keyed) (any, error) { return eddy.Raw(`{}`), cas(ctx, kv, b) })
		return serve(&n, p)
	}
}

var casInTwoSteps = Bug{
	Name: "cas in two steps",
	What: "reads, compares and writes: a write of another client is lost if lin-kv gets the read, that write, and then the write of this node",
	Buggy: store(func(ctx context.Context, kv *eddy.KV[eddy.Raw], b *keyed) error {
		value, err := kv.Read(ctx, b.Key)
		if err != nil {
			return err
		}
		if string(value) != string(b.From) {
			return eddy.PreconditionFailed
		}
		return kv.Write(ctx, b.Key, b.To)
	}),
	Healthy: store(func(ctx context.Context, kv *eddy.KV[eddy.Raw], b *keyed) error {
		return kv.CompareAndSwap(ctx, b.Key, b.From, b.To, false)
	}),
	Test:   eddytest.Test{Workload: "lin-kv", Nodes: 3, Rate: 10, Time: 4 * time.Second, Latency: "exponential:1ms"},
	Checks: []string{"not-linearizable"},
}

// gateway is a store of package maelstrom. It sends a cas up to three times.
func gateway(believes22 bool) Program {
	return func(p *eddytest.Process) error {
		n := maelstrom.NewNode()
		n.Stdin, n.Stdout = p.Stdin, p.Stdout
		kv := maelstrom.NewLinKV(n)
		handle := func(typ string, serve func(ctx context.Context, key string, b *keyed) (map[string]any, error)) {
			n.Handle(typ, func(msg maelstrom.Message) error {
				var b keyed
				if err := json.Unmarshal(msg.Body, &b); err != nil {
					return err
				}
				reply, err := serve(p.Context, string(b.Key), &b)
				if err != nil {
					return err
				}
				reply["type"] = typ + "_ok"
				return n.Reply(msg, reply)
			})
		}
		timed := func(ctx context.Context, do func(context.Context) error) error {
			ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			err := do(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				return maelstrom.NewRPCError(maelstrom.Timeout, "lin-kv does not reply")
			}
			return err
		}
		handle("read", func(ctx context.Context, key string, _ *keyed) (map[string]any, error) {
			var value json.RawMessage
			err := timed(ctx, func(ctx context.Context) error { return kv.ReadInto(ctx, key, &value) })
			return map[string]any{"value": value}, err
		})
		handle("write", func(ctx context.Context, key string, b *keyed) (map[string]any, error) {
			return map[string]any{}, timed(ctx, func(ctx context.Context) error { return kv.Write(ctx, key, b.Value) })
		})
		handle("cas", func(ctx context.Context, key string, b *keyed) (map[string]any, error) {
			var err error
			for i := range 3 {
				err = timed(ctx, func(ctx context.Context) error { return kv.CompareAndSwap(ctx, key, b.From, b.To, false) })
				if err == nil || maelstrom.ErrorCode(err) != maelstrom.Timeout {
					if err != nil && i > 0 && !believes22 {
						err = maelstrom.NewRPCError(maelstrom.Timeout, "an earlier attempt may have had its effect")
					}
					break
				}
			}
			return map[string]any{}, err
		})
		return n.Run()
	}
}

var falseDefinite = Bug{
	Name:  "timeout, then 22",
	What:  "a cas times out and is sent again, and the second one gets precondition-failed, because the first has had its effect: the node passes this on",
	Buggy: gateway(true), Healthy: gateway(false),
	Test:   eddytest.Test{Workload: "lin-kv", Nodes: 3, Rate: 20, Time: 4 * time.Second, Latency: "exponential:5ms", Loss: 0.003},
	Checks: []string{"not-linearizable"},
}

// proxy passes requests on to lin-kv. Its msg_ids are unique within an incarnation. Those of
// two incarnations differ if they begin at random numbers.
func proxy(begin func(*eddytest.Process) int) Program {
	return func(p *eddytest.Process) error {
		r := &raw{p: p}
		last, open := begin(p), map[int]message{}
		return r.serve(func(m message, typ string) {
			if request, ok := open[m.Body.int("in_reply_to")]; ok && m.Src == "lin-kv" {
				delete(open, m.Body.int("in_reply_to"))
				r.reply(request, typ, m.Body)
			} else if m.Src != "lin-kv" {
				last++
				open[last] = message{Src: m.Src, Body: body{"msg_id": m.Body["msg_id"]}}
				r.send("lin-kv", m.Body.set("msg_id", last))
			}
		})
	}
}

var staleReply = Bug{
	Name:    "stale reply",
	What:    "begins its msg_ids at 0 in each incarnation: a reply to the killed one, which was under way, is taken for a reply to a new request",
	Buggy:   proxy(func(*eddytest.Process) int { return 0 }),
	Healthy: proxy(func(p *eddytest.Process) int { return int(p.Number() >> 34) }),
	Test: eddytest.Test{Workload: "lin-kv", Nodes: 3, Rate: 30, Time: 8 * time.Second, Latency: "exponential:200ms",
		Nemesis: "kill", NemesisInterval: 500 * time.Millisecond, StaleReplies: true},
	Checks: []string{"not-linearizable", "wrong-body"},
}

// A tagged is a value with the time of its write. Of two writes at the same time the one with
// the greater name is later.
type tagged struct {
	Time  int64    `json:"time"`
	Name  string   `json:"name"`
	Value eddy.Raw `json:"value,omitempty"`
}

func (t tagged) after(u tagged) bool { return t.Time > u.Time || t.Time == u.Time && t.Name > u.Name }

// register is a node of workload lin-kv without cas. It keeps the values at a majority of the
// nodes (Attiya, Bar-Noy and Dolev, Sharing Memory Robustly in Message-Passing Systems, 1995).
type register struct {
	eddy.Node
	values locked[map[string]tagged]
	writes locked[int]
}

// quorum asks all nodes, itself included, and returns the latest value of a majority, and
// whether all of them have this value.
func (r *register) quorum(ctx context.Context, typ string, key eddy.Raw, t tagged) (latest tagged, all bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	latest, all = r.local(key, t), true
	count := 1
	for result := range r.Broadcast(ctx, others(&r.Node), map[string]any{"type": typ, "key": key, "tagged": t}, nil) {
		var its tagged
		if result.Err != nil || result.Reply.Body.Get("tagged").Decode(&its) != nil {
			continue
		}
		all = all && its.Time == latest.Time && its.Name == latest.Name
		if its.after(latest) {
			latest = its
		}
		if count++; count > len(r.IDs())/2 {
			return latest, all, nil
		}
	}
	return latest, false, eddy.Errorf(eddy.Timeout, "no majority")
}

// local stores a value if it is later than the one that is there, and returns the later one.
func (r *register) local(key eddy.Raw, t tagged) (latest tagged) {
	r.values.do(func(values *map[string]tagged) {
		if t.after((*values)[string(key)]) {
			(*values)[string(key)] = t
		}
		latest = (*values)[string(key)]
	})
	return latest
}

func majorities(writesBack bool) Program {
	return func(p *eddytest.Process) error {
		r := &register{}
		r.values.value = map[string]tagged{}
		r.Handle("tagged", func(_ context.Context, req *eddy.Request) (any, error) {
			var t tagged
			err := req.Body.Get("tagged").Decode(&t)
			return map[string]any{"tagged": r.local(req.Body.Get("key"), t)}, err
		})
		r.Handle("cas", func(context.Context, *eddy.Request) (any, error) { return nil, eddy.TemporarilyUnavailable })
		r.Handle("read", func(ctx context.Context, req *eddy.Request) (any, error) {
			key := req.Body.Get("key")
			latest, all, err := r.quorum(ctx, "tagged", key, tagged{})
			if err == nil && !all && writesBack {
				_, _, err = r.quorum(ctx, "tagged", key, latest)
			}
			if err == nil && latest.Time == 0 {
				err = eddy.KeyDoesNotExist
			}
			return map[string]any{"value": latest.Value}, err
		})
		r.Handle("write", func(ctx context.Context, req *eddy.Request) (any, error) {
			key := req.Body.Get("key")
			latest, _, err := r.quorum(ctx, "tagged", key, tagged{})
			if err != nil {
				return nil, err
			}
			t := tagged{latest.Time + 1, "", req.Body.Get("value")}
			r.writes.do(func(count *int) { *count++; t.Name = fmt.Sprint(r.ID(), "-", *count) })
			_, _, err = r.quorum(ctx, "tagged", key, t)
			return eddy.Raw(`{}`), err
		})
		return serve(&r.Node, p)
	}
}

var noWriteBack = Bug{
	Name:  "no write-back",
	What:  "a read returns the latest value of a majority without writing it back: while a write is under way, a later read may find an older value",
	Buggy: majorities(false), Healthy: majorities(true),
	Test: eddytest.Test{Workload: "lin-kv", Nodes: 3, Rate: 20, Time: 5 * time.Second, Latency: "exponential:5ms",
		Nemesis: "slow,partition", NemesisInterval: time.Second},
	Checks: []string{"not-linearizable"},
}

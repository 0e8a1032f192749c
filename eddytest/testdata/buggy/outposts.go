package buggy

import (
	"context"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// An outpost is a node of workload lin-kv in a cluster of four. The first node has the values,
// the others call it. All nodes tell each other 20 times a second that they are there.
type outpost struct {
	eddy.Node
	guesses bool                        // whether it serves reads from its copies while it is alone
	values  locked[map[string]eddy.Raw] // those of the first node, or copies of them
	heard   locked[map[string]time.Time]
}

// aloneAfter is how long an outpost hears from none of its peers, of which there are three,
// before it thinks that all have stopped.
const aloneAfter, peers = 250 * time.Millisecond, 3

func (o *outpost) isAlone() bool {
	missing := 0
	o.heard.do(func(heard *map[string]time.Time) {
		for _, at := range *heard {
			if time.Since(at) > aloneAfter {
				missing++
			}
		}
	})
	return missing == peers
}

// lookup returns a value.
func (o *outpost) lookup(key eddy.Raw) (value eddy.Raw, exists bool) {
	o.values.do(func(values *map[string]eddy.Raw) { value, exists = (*values)[string(key)] })
	return value, exists
}

// execute serves a request at the first node.
func (o *outpost) execute(typ string, b *keyed) (result any, err error) {
	o.values.do(func(values *map[string]eddy.Raw) {
		value, exists := (*values)[string(b.Key)]
		result = eddy.Raw(`{}`)
		switch {
		case typ == "write":
			(*values)[string(b.Key)] = b.Value
		case !exists:
			err = eddy.KeyDoesNotExist
		case typ == "read":
			result = map[string]any{"value": value}
		case string(value) != string(b.From):
			err = eddy.PreconditionFailed
		default:
			(*values)[string(b.Key)] = b.To
		}
	})
	return result, err
}

// forward calls the first node, and keeps a copy of what it writes or reads.
func (o *outpost) forward(ctx context.Context, req *eddy.Request, b *keyed) (any, error) {
	reply, _, err := o.RPCWithRetry(ctx, o.IDs()[0], req.Body, &eddy.Policy{Attempts: 1, Timeout: 200 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	value := map[string]eddy.Raw{"read": reply.Body.Get("value"), "write": b.Value, "cas": b.To}[req.Type()]
	o.values.do(func(values *map[string]eddy.Raw) { (*values)[string(b.Key)] = value })
	return reply.Body, nil
}

func (o *outpost) serve(ctx context.Context, req *eddy.Request) (any, error) {
	var b keyed
	if err := req.Decode(&b); err != nil {
		return nil, err
	}
	if o.ID() == o.IDs()[0] {
		return o.execute(req.Type(), &b)
	}
	if value, exists := o.lookup(b.Key); exists && o.guesses && req.Type() == "read" && o.isAlone() {
		return map[string]any{"value": value}, nil
	}
	return o.forward(ctx, req, &b)
}

func outposts(guesses bool) Program {
	return func(p *eddytest.Process) error {
		o := &outpost{guesses: guesses}
		o.values.value, o.heard.value = map[string]eddy.Raw{}, map[string]time.Time{}
		hear := func(id string) {
			o.heard.do(func(heard *map[string]time.Time) { (*heard)[id] = time.Now() })
		}
		o.OnInit(func(context.Context) error {
			for _, id := range others(&o.Node) {
				hear(id)
			}
			return nil
		})
		o.Every(50*time.Millisecond, func(context.Context) {
			for _, id := range others(&o.Node) {
				o.Send(id, eddy.Raw(`{"type":"ping"}`))
			}
		})
		o.Handle("ping", func(_ context.Context, req *eddy.Request) (any, error) {
			hear(req.Src)
			return nil, nil
		})
		for _, typ := range []string{"read", "write", "cas"} {
			o.Handle(typ, o.serve)
		}
		return serve(&o.Node, p)
	}
}

var overlap = Bug{
	Name: "alone, it guesses",
	What: "serves reads from its copies while it hears from no other node, as if all had stopped: each of two partitions leaves it " +
		"a neighbour, and only both together make it alone",
	Buggy: outposts(true), Healthy: outposts(false),
	Test: eddytest.Test{Workload: "lin-kv", Nodes: 4, Rate: 40, Time: 8 * time.Second, Latency: "exponential:5ms",
		Nemesis: "partition-halves,partition-ring", NemesisInterval: 1500 * time.Millisecond},
	Checks: []string{"not-linearizable"}, Faults: 2,
}

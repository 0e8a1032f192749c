package healthy

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/retry"
)

// CallTimeout is the timeout of each attempt of a relay.
const CallTimeout = 200 * time.Millisecond

// once is a policy with one attempt, for what must not happen twice.
var once = &eddy.Policy{Attempts: 1, Timeout: time.Second}

// untilAnswered is a policy that tries again until there is an answer.
var untilAnswered = &eddy.Policy{
	Attempts: math.MaxInt, Timeout: 100 * time.Millisecond,
	Backoff: retry.Backoff{Kind: retry.Constant, Base: 20 * time.Millisecond},
	RetryOn: []int{int(eddy.Timeout), int(eddy.TemporarilyUnavailable)},
}

// bare returns a node without handlers.
func bare(p *program.Process) *eddy.Node {
	return &eddy.Node{Drain: 500 * time.Millisecond, Log: p.Log()}
}

// base returns a correct node for a workload, without anything unusual.
func base(p *program.Process, workload string) *eddy.Node {
	n := bare(p)
	n.Handle("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	switch workload {
	case "unique-ids":
		n.Handle("generate", func(context.Context, *eddy.Request) (any, error) {
			return map[string]any{"id": rand.Text()}, nil
		})
	case "lin-kv":
		for _, typ := range []string{"read", "write", "cas"} {
			n.Handle(typ, proxy(n, "lin-kv", once))
		}
	case "relay":
		n.Handle("relay", relay(n))
	case "broadcast":
		broadcast(p, n)
	}
	return n
}

// proxy returns a handler that passes requests on to another node, and its replies back.
func proxy(n *eddy.Node, dest string, policy *eddy.Policy) eddy.Handler {
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		reply, _, err := n.RPCWithRetry(ctx, dest, req.Body, policy)
		if err != nil {
			return nil, err
		}
		typ, _ := reply.Body.Get("type").Text()
		return nil, req.ReplyAs(typ, reply.Body)
	}
}

func relay(n *eddy.Node) eddy.Handler {
	policy := &eddy.Policy{Timeout: CallTimeout}
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		target, _ := req.Body.Get("target").Text()
		reply, attempts, err := n.RPCWithRetry(ctx, target, req.Body.Get("payload"), policy)
		if reply.Body == nil {
			return nil, err
		}
		return eddy.Raw(fmt.Sprintf(`{"type":"relay_ok","attempts":%d,"result":%s}`, attempts, reply.Body)), nil
	}
}

// broadcast makes a node keep values in a file and send all of them to all other nodes,
// again and again, in one-way messages.
func broadcast(p *program.Process, n *eddy.Node) {
	v := openValues(p)
	n.Handle("topology", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
	n.Handle("broadcast", func(_ context.Context, req *eddy.Request) (any, error) {
		value, _ := req.Body.Get("message").Int()
		return eddy.Raw(`{}`), v.add(value)
	})
	n.Handle("gossip", func(_ context.Context, req *eddy.Request) (any, error) {
		var values []int64
		if err := req.Body.Get("values").Decode(&values); err != nil {
			return nil, err
		}
		return nil, v.add(values...)
	})
	n.Handle("read", func(context.Context, *eddy.Request) (any, error) {
		return map[string]any{"messages": v.all()}, nil
	})
	n.Every(50*time.Millisecond, func(context.Context) {
		if values := v.all(); len(values) > 0 {
			for _, id := range n.IDs() {
				if id != n.ID() {
					n.Send(id, map[string]any{"type": "gossip", "values": values})
				}
			}
		}
	})
}

// values are integers in a file, one on each line.
type values struct {
	mu    sync.Mutex
	known map[int64]bool
	file  *os.File
}

func openValues(p *program.Process) *values {
	file := p.Append("values")
	v := &values{known: map[int64]bool{}, file: file}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
			v.known[value] = true
		}
	}
	return v
}

// add returns when the values are in the file.
func (v *values) add(all ...int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, value := range all {
		if v.known[value] {
			continue
		}
		if _, err := fmt.Fprintln(v.file, value); err != nil {
			return err
		}
		v.known[value] = true
	}
	return nil
}

func (v *values) all() []int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.AppendSeq(make([]int64, 0, len(v.known)), maps.Keys(v.known))
}

package eddy_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/retry"
)

// Three nodes call each other in a ring, with all kinds of policies, over a network that
// loses, delays, duplicates and reorders. The last callee fails or is slow. Every request of
// a client gets one reply, and in the end nothing is open.
func TestPoliciesInARing(t *testing.T) {
	t.Parallel()
	for seed := range longtest.Or(uint64(100), 10) {
		synctest.Test(t, func(t *testing.T) { newRing(t, seed).run() })
	}
}

type ring struct {
	*testing.T
	seed   uint64
	mu     sync.Mutex
	random *rand.Rand
	nodes  map[string]*eddy.Node
}

func newRing(t *testing.T, seed uint64) *ring {
	return &ring{T: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), nodes: map[string]*eddy.Node{}}
}

func (r *ring) intN(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.random.IntN(n)
}

func (r *ring) ms(n int) time.Duration { return time.Duration(r.intN(n)) * time.Millisecond }

func (r *ring) policy() *eddy.Policy {
	return []*eddy.Policy{
		nil,
		{CallID: true, Propagate: true},
		{Adaptive: &retry.Adaptive{}, Attempts: 5, RetryOn: []int{11, 0}},
		{Deadline: 300 * time.Millisecond, Backoff: retry.Backoff{Kind: retry.Exponential, Jitter: retry.FullJitter}, RetryOn: []int{11}},
		{Hedge: 20 * time.Millisecond, Budget: retry.Budget{Ratio: 0.2, PerSecond: 1}, Propagate: true},
		{Late: retry.Ignore, Deadline: time.Second, Timeout: 100 * time.Millisecond},
		{Breaker: retry.Breaker{Failures: 2, Ratio: 0.5, MinAttempts: 3, Open: 100 * time.Millisecond}, RetryOn: []int{11}, MaxPushback: time.Millisecond},
		{Hedge: 50 * time.Millisecond, HedgePercentile: 50, MaxHedges: 1, Budget: retry.Budget{InFlight: 1}, RetryIf: func([]byte, error) bool { return r.intN(2) == 0 }},
		{Attempts: 4, BackoffAfter: map[string]retry.Backoff{retry.AfterTimeout: {Kind: retry.Decorrelated}, retry.AfterCode(11): {}}, RetryOn: []int{11, 13}},
	}[r.intN(9)]
}

// node returns a node whose calls go to next.
func (r *ring) node(next string) *eddy.Node {
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	var dedup eddy.Dedup
	n.Handle("leaf", dedup.Handler(func(context.Context, *eddy.Request) (any, error) {
		switch r.intN(5) {
		case 0:
			return nil, &eddy.Error{Code: eddy.TemporarilyUnavailable, RetryAfter: time.Hour}
		case 1:
			time.Sleep(150 * time.Millisecond)
		case 2:
			return nil, eddy.Crash
		}
		return map[string]any{}, nil
	}))
	n.Handle("wait", func(ctx context.Context, _ *eddy.Request) (any, error) {
		_, _, err := n.RPCWithRetry(ctx, next, eddy.Raw(`{"type":"leaf"}`), r.policy())
		return map[string]any{}, err
	})
	n.HandleInline("later", dedup.Handler(func(ctx context.Context, req *eddy.Request) (any, error) {
		return eddy.Later, req.Call(ctx, next, eddy.Raw(`{"type":"leaf"}`), r.policy(), func(r eddy.Result) {
			if r.Err != nil {
				req.Fail(r.Err)
				return
			}
			req.Reply(map[string]any{})
		})
	}))
	n.Handle("hurry", func(ctx context.Context, _ *eddy.Request) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		body := eddy.Raw(fmt.Sprintf(`{"type":%q}`, []string{"wait", "later"}[r.intN(2)]))
		_, _, err := n.RPCWithRetry(ctx, next, body, r.policy())
		return map[string]any{}, err
	})
	return n
}

// fate gives messages of the client no fault, so that each of its requests gets a reply.
func (r *ring) fate(m eddy.Message) eddytest.Fate {
	switch {
	case m.Src == "c1" || m.Dest == "c1":
		return eddytest.Arrives
	case r.intN(5) == 0:
		return eddytest.Lost
	case r.intN(4) == 0:
		return eddytest.Fate{r.ms(700), r.ms(300)}
	}
	return eddytest.Fate{r.ms(50)}
}

func (r *ring) run() {
	net := eddytest.New(r.T, "n1", "n2", "n3")
	for name, next := range map[string]string{"n1": "n2", "n2": "n3", "n3": "n1"} {
		r.nodes[name] = r.node(next)
		net.Start(name, r.nodes[name])
	}
	net.Script(r.fate)
	client := net.Client("c1")
	var ids []int64
	for i := range 20 {
		ids = append(ids, client.Request("n1", fmt.Sprintf(`{"type":%q}`, []string{"hurry", "wait", "later"}[i%3])))
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Hour) // until all calls have ended, also those of five attempts whose timeouts double
	for _, id := range ids {
		client.Await(id)
	}
	for name, n := range r.nodes {
		if calls, requests := openNow(n); calls+requests != 0 {
			r.Errorf("seed %d: of %s %d calls and %d requests are open", r.seed, name, calls, requests)
		}
	}
	if m, ok := client.TryReceive(); ok {
		r.Errorf("seed %d: a second reply: %+v", r.seed, m)
	}
}

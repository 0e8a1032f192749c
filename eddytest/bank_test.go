package eddytest_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/golden"
)

// startBalance is what each node's account has at first.
const startBalance = 100

// newBank returns a node with one account. It serves a transfer by taking the money from its
// own account and depositing it at another node, and retries until that node has replied. A
// deposit that arrives twice takes effect once.
func newBank() *eddy.Node { return bank(new(eddy.Dedup).Handler) }

// newCarelessBank returns a node that takes every attempt of a deposit for another deposit.
func newCarelessBank() *eddy.Node { return bank(func(h eddy.Handler) eddy.Handler { return h }) }

func bank(once func(eddy.Handler) eddy.Handler) *eddy.Node {
	n := &eddy.Node{}
	var mu sync.Mutex
	balance := int64(startBalance)
	// add changes the balance, unless it would become negative.
	add := func(amount int64) bool {
		mu.Lock()
		defer mu.Unlock()
		if balance+amount < 0 {
			return false
		}
		balance += amount
		return true
	}
	n.Handle("transfer", func(ctx context.Context, req *eddy.Request) (any, error) {
		amount, _ := req.Body.Get("amount").Int()
		to, _ := req.Body.Get("to").Text()
		if !add(-amount) {
			return nil, eddy.Errorf(eddy.PreconditionFailed, "only %d left", balance)
		}
		deposit := map[string]any{"type": "deposit", "amount": amount}
		_, _, err := n.RPCWithRetry(context.Background(), to, deposit, &eddy.Policy{Attempts: math.MaxInt, CallID: true})
		return eddy.Raw(`{}`), err
	})
	n.Handle("deposit", once(func(_ context.Context, req *eddy.Request) (any, error) {
		amount, _ := req.Body.Get("amount").Int()
		add(amount)
		return eddy.Raw(`{}`), nil
	}))
	n.Handle("balance", func(context.Context, *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		return map[string]any{"balance": balance}, nil
	})
	return n
}

// A bankWorkload transfers money between nodes. At the end no money is lost, and none has come
// from nowhere.
type bankWorkload struct{ nodes int }

func (w *bankWorkload) Next(random *rand.Rand) any {
	to := fmt.Sprintf("n%d", 1+random.IntN(w.nodes))
	return map[string]any{"type": "transfer", "to": to, "amount": 1 + random.IntN(20)}
}

func (w *bankWorkload) Final() any { return `{"type":"balance"}` }

func (w *bankWorkload) Check(ops []eddytest.Op) (wrong []string) {
	last := map[string]int64{} // of each node
	for _, op := range ops {
		if op.Final && op.Outcome == eddytest.OK {
			last[op.Node], _ = op.Reply.Get("balance").Int()
		}
	}
	sum := int64(0)
	for _, balance := range last {
		sum += balance
	}
	if want := int64(w.nodes * startBalance); sum != want {
		wrong = append(wrong, fmt.Sprintf("the balances are %v, together %d and not %d", last, sum, want))
	}
	return wrong
}

var bankTest = eddytest.Test{
	Own:   func() eddytest.Workload { return &bankWorkload{nodes: 3} },
	Nodes: 3, Rate: 20, Time: 10 * time.Second,
	Latency: "exponential:100ms", Loss: 0.1, Duplicate: 0.1, Nemesis: "partition", Seeds: 20,
}

// A bank neither loses money nor makes any, whatever the network does.
func TestBank(t *testing.T) { eddytest.Check(t, newBank, bankTest) }

// A careless bank makes money. The document about testing shows what Check says.
func TestCarelessBank(t *testing.T) {
	text := eddytest.Failure(t, newCarelessBank, bankTest)
	golden.Section(t, "../docs/testing.md", "careless bank", "```text\n"+text+"```\n")
}

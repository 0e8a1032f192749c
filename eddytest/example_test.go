package eddytest_test

// A test to copy: one node counts, another one calls it, and the network loses a message.

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// newCounter returns a node under test. It counts the add requests that it receives. For an ask
// request it sends add to n2.
func newCounter() *eddy.Node {
	var n eddy.Node
	var mu sync.Mutex
	count := 0
	n.Handle("add", func(context.Context, *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		count++
		return map[string]any{"count": count}, nil
	})
	n.Handle("ask", func(ctx context.Context, _ *eddy.Request) (any, error) {
		reply, attempts, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"add"}`), nil)
		return map[string]any{"count": reply.Body.Get("count"), "attempts": attempts}, err
	})
	return &n
}

func TestLostReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", newCounter())
		net.Start("n2", newCounter())

		net.Lose("n2", "n1", 1) // the next message from n2 to n1
		start := time.Now()
		reply := net.Client("c1").Call("n1", `{"type":"ask"}`)

		if attempts, _ := reply.Body.Get("attempts").Int(); attempts != 2 {
			t.Errorf("%d attempts, want 2", attempts)
		}
		if took := time.Since(start); took != 500*time.Millisecond {
			t.Errorf("it took %v, want one timeout", took)
		}
		// The reply was lost and not the request, so n2 has counted twice.
		if count, _ := reply.Body.Get("count").Int(); count != 2 {
			t.Errorf("n2 counted %d, want 2", count)
		}
	})
}

func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", newCounter())
		net.Start("n2", newCounter())
		client := net.Client("c1")

		net.Cut("n1", "n2")
		if reply := client.Call("n1", `{"type":"ask"}`); reply.Type() != "error" {
			t.Errorf("the reply is %s, want an error", reply.Body)
		}
		net.Heal("n1", "n2")
		if reply := client.Call("n1", `{"type":"ask"}`); reply.Type() != "ask_ok" {
			t.Errorf("the reply is %s, want ask_ok", reply.Body)
		}
	})
}

// A client takes the place of n2, and replies to the first attempt after that has timed out.
func TestLateReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", newCounter())
		client, n2 := net.Client("c1"), net.Client("n2")

		asked := client.Request("n1", `{"type":"ask"}`)
		first := n2.Receive()
		second := n2.Receive() // so the first attempt has timed out
		n2.Reply(first, `{"type":"add_ok","count":1}`)
		reply := client.Await(asked)

		if count, _ := reply.Body.Get("count").Int(); count != 1 {
			t.Errorf("the reply is %s, want the count of the late reply", reply.Body)
		}
		if first.ID == second.ID {
			t.Errorf("both attempts have the msg_id %d", first.ID)
		}
	})
}

// A test on the real clock, because a handler holds a mutex across a call, and waiting for a
// mutex stops virtual time. It waits for messages only, never for an amount of time.
func TestLockAcrossCall(t *testing.T) {
	var n eddy.Node
	var mu sync.Mutex
	total := 0
	n.Handle("add", func(ctx context.Context, _ *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		reply, _, err := n.RPCWithRetry(ctx, "store", eddy.Raw(`{"type":"next"}`), &eddy.Policy{Timeout: time.Minute})
		if err != nil {
			return nil, err
		}
		step, _ := reply.Body.Get("step").Int()
		total += int(step)
		return map[string]any{"total": total}, nil
	})
	net := eddytest.New(t, "n1")
	net.Start("n1", &n)
	client, store := net.Client("c1"), net.Client("store")

	first := client.Request("n1", `{"type":"add"}`)
	second := client.Request("n1", `{"type":"add"}`) // waits for the mutex
	store.Reply(store.Receive(), `{"type":"next_ok","step":1}`)
	store.Reply(store.Receive(), `{"type":"next_ok","step":2}`)

	client.Await(first)
	client.Await(second)
	if total != 3 {
		t.Errorf("the total is %d, want 3", total)
	}
}

package eddytest_test

// A test to copy: a node that counts, and one that asks it, on a network that
// loses a message.

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// newCounter makes a node under test: add counts what reaches it, and ask hands
// an add on to n2.
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

		net.Lose("n2", "n1", 1) // the next message that n2 sends n1
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

func TestCutOffNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", newCounter())
		net.Start("n2", newCounter())
		client := net.Client("c1")

		net.Cut("n1", "n2")
		if reply := client.Call("n1", `{"type":"ask"}`); reply.Type() != "error" {
			t.Errorf("the answer is %s, want an error", reply.Body)
		}
		net.Heal("n1", "n2")
		if reply := client.Call("n1", `{"type":"ask"}`); reply.Type() != "ask_ok" {
			t.Errorf("the answer is %s, want ask_ok", reply.Body)
		}
	})
}

// A node may be played by hand: here n2 answers just when the first attempt's
// timeout has passed.
func TestLateReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", newCounter())
		client, n2 := net.Client("c1"), net.Client("n2")

		asked := client.Request("n1", `{"type":"ask"}`)
		first := n2.Receive()
		second := n2.Receive() // so the first has met silence
		n2.Reply(first, `{"type":"add_ok","count":1}`)
		reply := client.Await(asked)

		if count, _ := reply.Body.Get("count").Int(); count != 1 {
			t.Errorf("the answer is %s, want the late reply's", reply.Body)
		}
		if first.ID == second.ID {
			t.Errorf("both attempts have the msg_id %d", first.ID)
		}
	})
}

// The real clock is for handlers that hold a mutex across a call: whoever waits
// for a mutex would stop virtual time. Nothing here waits for an amount of time,
// only for messages.
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

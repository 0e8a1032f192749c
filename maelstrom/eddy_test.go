package maelstrom_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/maelstrom"
)

// run runs a node on the network of a test.
func run(n *maelstrom.Node, t eddy.Transport) error {
	defer t.(io.Closer).Close()
	n.Stdin, n.Stdout = t, t
	return n.Run()
}

// A program of the official library can use package eddy and package eddytest.
func TestEddy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		net.Services(1)
		peer := net.Client("n2")
		client := net.Client("c1")
		n := maelstrom.NewNode()
		kv := eddy.LinKV[int](n.Eddy())
		n.Handle("add", func(msg maelstrom.Message) error {
			value, err := kv.Update(context.Background(), "x", func(old int, _ bool) (int, error) { return old + 2, nil })
			if err != nil {
				return err
			}
			return n.Reply(msg, map[string]any{"type": "add_ok", "value": value})
		})
		batches := eddy.NewBatcher(n.Eddy(), 2, time.Second, func(_ context.Context, batch []int) {
			n.Send("n2", map[string]any{"type": "batch", "batch": batch})
		})
		batches.Add(1, 2)
		n.Eddy().Every(10*time.Second, func(context.Context) { n.Send("n2", map[string]any{"type": "tick"}) })

		line := net.Join("n1")
		ended := make(chan error, 1)
		go func() { ended <- run(n, line) }()
		synctest.Wait()
		if m, ok := peer.TryReceive(); ok {
			t.Errorf("before init: %s", m.Body)
		}
		client.Call("n1", `{"type":"init","node_id":"n1","node_ids":["n1","n2"]}`)
		got := map[string]int{}
		for range 4 {
			m := peer.Receive()
			got[m.Type()]++
			if m.Type() == "batch" && string(m.Body.Get("batch")) != "[1,2]" {
				t.Errorf("batch %s", m.Body)
			}
		}
		if got["tick"] != 3 || got["batch"] != 1 {
			t.Errorf("n2 got %v", got)
		}
		net.Lose("lin-kv", "n1", 1) // of the read
		if m := client.Call("n1", `{"type":"add"}`); string(m.Body.Get("value")) != "2" {
			t.Errorf("the reply is %s", m.Body)
		}
		batches.Add(3)
		net.Stop("n1")
		if m, ok := peer.TryReceive(); !ok || m.Type() != "batch" {
			t.Errorf("at the end n2 got %s", m.Body)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Loops also begin if Init has set the name of the node.
func TestLoopsAfterInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		peer := net.Client("n2")
		n := maelstrom.NewNode()
		line := net.Join("n1")
		n.Init("n1", []string{"n1", "n2"})
		n.Eddy().Every(10*time.Second, func(context.Context) { n.Send("n2", map[string]any{"type": "tick"}) })
		go run(n, line)
		peer.Receive()
		peer.Receive()
		net.Stop("n1")
	})
}

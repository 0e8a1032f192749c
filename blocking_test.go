package eddy_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// Handlers that hold a mutex across a call, on the real clock, since whoever
// waits for a mutex stops virtual time. The second waits for the mutex where
// messages are read, so the node must read on without it to get the reply that
// the first waits for.
func TestMutexHeldAcrossCall(t *testing.T) {
	const requests = 50
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	var mu sync.Mutex
	inside, served := 0, 0
	n.Handle("locked", func(ctx context.Context, _ *eddy.Request) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		if inside++; inside != 1 {
			t.Error("two handlers hold one mutex")
		}
		_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"read"}`))
		inside--
		served++
		return eddy.Raw(`{}`), err
	})
	net := eddytest.New(t)
	net.Start("n1", n)
	n2, client := net.Client("n2"), net.Client("c1")
	n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"read_ok"}`) })
	asked := make([]int64, requests)
	for i := range asked {
		asked[i] = client.Request("n1", `{"type":"locked"}`)
	}
	for _, id := range asked {
		client.Await(id)
	}
	if served != requests {
		t.Errorf("%d were served, want %d", served, requests)
	}
}

// Handlers that wait for each other: each for the one after it.
func TestHandlersThatWaitForEachOther(t *testing.T) {
	const requests = 100
	for _, clock := range []string{"virtual", "real"} {
		t.Run(clock, func(t *testing.T) {
			run := func(t *testing.T) {
				n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
				passed := make([]chan struct{}, requests+1)
				for i := range passed {
					passed[i] = make(chan struct{})
				}
				close(passed[requests])
				n.Handle("wait", func(_ context.Context, req *eddy.Request) (any, error) {
					i, _ := req.Body.Get("i").Int()
					<-passed[i+1]
					close(passed[i])
					return eddy.Raw(`{}`), nil
				})
				net := eddytest.New(t)
				net.Start("n1", n)
				client := net.Client("c1")
				var asked []int64
				for i := range requests {
					asked = append(asked, client.Request("n1", map[string]any{"type": "wait", "i": i}))
				}
				for _, id := range asked {
					client.Await(id)
				}
			}
			if clock == "virtual" {
				synctest.Test(t, run)
			} else {
				run(t)
			}
		})
	}
}

// A handler that sleeps holds up the others for some milliseconds at most, and
// only as long as its type is trusted.
func TestSleepingHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.Handle("sleep", func(context.Context, *eddy.Request) (any, error) {
			time.Sleep(time.Second)
			return eddy.Raw(`{}`), nil
		})
		n.Handle("quick", func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil })
		net := eddytest.New(t)
		net.Start("n1", n)
		client := net.Client("c1")
		start := time.Now()
		var asked []int64
		for range 200 {
			asked = append(asked, client.Request("n1", `{"type":"sleep"}`))
		}
		client.Call("n1", `{"type":"quick"}`)
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("200 sleeping handlers hold up another for %v", took)
		}
		for _, id := range asked {
			client.Await(id)
		}
		if took := time.Since(start); took > 1100*time.Millisecond {
			t.Errorf("200 handlers that sleep for 1s took %v", took)
		}
		for range 2000 { // so the type that is asked often is trusted, the other not
			client.Call("n1", `{"type":"quick"}`)
		}
		start = time.Now()
		client.Request("n1", `{"type":"sleep"}`)
		client.Call("n1", `{"type":"quick"}`)
		if took := time.Since(start); took != 0 {
			t.Errorf("a handler of a type that always sleeps holds up another for %v", took)
		}
	})
}

// Handlers that don't block answer in request order with consecutive ids, though
// they could be handed off.
func TestOrderOfHandlers(t *testing.T) {
	const requests = 10_000
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.Handle("echo", func(_ context.Context, req *eddy.Request) (any, error) { return req.Body, nil })
		inOrder(t, n, requests)
	})
}

// Inline handlers do so always, however busy the machine is.
func TestOrderOfInlineHandlers(t *testing.T) {
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	inOrder(t, n, 10_000)
}

// inOrder sends requests in one go and looks at the order of their answers.
func inOrder(t *testing.T, n *eddy.Node, requests int) {
	in, feed := io.Pipe()
	answers, out := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- n.Serve(context.Background(), struct {
			io.Reader
			io.Writer
		}{in, out})
		out.Close()
	}()
	go func() {
		w := bufio.NewWriter(feed)
		fmt.Fprintln(w, `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":0,"node_id":"n1","node_ids":["n1"]}}`)
		for i := range requests {
			fmt.Fprintf(w, `{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":%d}}`+"\n", i+1)
		}
		w.Flush()
		feed.Close()
	}()
	lines := bufio.NewScanner(answers)
	for i := range requests + 1 {
		if !lines.Scan() {
			t.Fatalf("%d answers to %d requests", i, requests+1)
		}
		var m struct {
			Body struct {
				ID        int `json:"msg_id"`
				InReplyTo int `json:"in_reply_to"`
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if m.Body.ID != i || m.Body.InReplyTo != i {
			t.Fatalf("answer %d has msg_id %d and is to request %d", i, m.Body.ID, m.Body.InReplyTo)
		}
	}
	if lines.Scan() {
		t.Errorf("one answer too many: %s", lines.Bytes())
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// Two nodes in one process: a handler of one may call by the other, and both read on.
func TestCallByAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		var n1, n2 eddy.Node
		echo := func(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil }
		n1.HandleInline("echo", echo)
		n2.HandleInline("echo", echo)
		n1.Handle("ask", func(ctx context.Context, _ *eddy.Request) (any, error) {
			_, err := n2.RPC(ctx, "n3", eddy.Raw(`{"type":"read"}`))
			return eddy.Raw(`{}`), err
		})
		net.Start("n1", &n1)
		net.Start("n2", &n2)
		client, n3 := net.Client("c1"), net.Client("n3")
		for range 3 {
			asked := client.Request("n1", `{"type":"ask"}`)
			read := n3.Receive()
			client.Call("n1", `{"type":"echo"}`)
			client.Call("n2", `{"type":"echo"}`)
			n3.Reply(read, `{"type":"read_ok"}`)
			if m := client.Await(asked); m.Type != "ask_ok" {
				t.Errorf("answered with %s", m.Body)
			}
		}
	})
}

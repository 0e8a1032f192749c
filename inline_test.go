package eddy_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// Inline handlers reply in the order of their requests, with consecutive ids.
func TestOrderOfInlineHandlers(t *testing.T) {
	t.Parallel()
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	n.HandleInline("echo", func(_ context.Context, req *eddy.Request) (any, error) {
		return nil, req.ReplyAs("echo_ok", req.Body)
	})
	inOrder(t, n, 10_000)
}

// inOrder sends requests together and checks the order of the replies.
func inOrder(t *testing.T, n *eddy.Node, requests int) {
	in, feed := io.Pipe()
	replies, out := io.Pipe()
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
		io.WriteString(w, initLine)
		for i := range requests {
			io.WriteString(w, requestLine("echo", i+1))
		}
		w.Flush()
		feed.Close()
	}()
	lines := bufio.NewScanner(replies)
	for i := range requests + 1 {
		if !lines.Scan() {
			t.Fatalf("%d replies to %d requests", i, requests+1)
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
			t.Fatalf("reply %d has msg_id %d and is for request %d", i, m.Body.ID, m.Body.InReplyTo)
		}
	}
	if lines.Scan() {
		t.Errorf("one reply too many: %s", lines.Bytes())
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// Calls of Every and of goroutines that belong to no request change nothing about the
// order of inline handlers. The first handler of each pair takes a while.
func TestOrderOfInlineHandlersBesideCalls(t *testing.T) {
	const pairs = 40
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		peers, gossip := []string{"n2", "n3"}, eddy.Raw(`{"type":"gossip"}`)
		n.Every(100*time.Microsecond, func(ctx context.Context) {
			for range n.Broadcast(ctx, peers, gossip, nil) {
			}
		})
		n.Every(70*time.Microsecond, func(ctx context.Context) { n.RPC(ctx, "n2", gossip) })
		n.Every(50*time.Microsecond, func(ctx context.Context) { n.Call(ctx, "n3", gossip, nil, func(eddy.Result) {}) })
		n.HandleInline("first", func(context.Context, *eddy.Request) (any, error) {
			time.Sleep(150 * time.Microsecond)
			return eddy.Raw(`{}`), nil
		})
		n.HandleInline("second", ok)
		net := eddytest.New(t, "n1", "n2", "n3")
		for _, name := range peers {
			peer := net.Client(name)
			peer.Handle(func(m eddy.Message) { peer.Reply(m, `{"type":"gossip_ok"}`) })
		}
		net.Start("n1", n)
		client := net.Client("c1")
		for range pairs {
			client.Request("n1", `{"type":"first"}`)
			client.Request("n1", `{"type":"second"}`)
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		next := int64(1)
		for _, e := range net.Journal() {
			if e.Message.Dest != "c1" {
				continue
			}
			if e.Message.InReplyTo != next {
				t.Errorf("a reply for request %d came, want one for request %d", e.Message.InReplyTo, next)
			}
			next++
		}
		if next != 2*pairs+1 {
			t.Errorf("%d replies, want %d", next-1, 2*pairs)
		}
	})
}

// A blocking call with a context that does not belong to the handler is a mistake in an
// inline handler or in a callback. It blocks the read loop or the callbacks of timeouts,
// but it ends with the last timeout of its policy.
func TestBlockingCallWhereNothingMayBlock(t *testing.T) {
	for where, test := range map[string]struct {
		body  string
		begin time.Duration // of the blocking call
	}{
		"inline handler":                            {`{"type":"inline"}`, 0},
		"callback of a reply":                       {`{"type":"callback","to":"n2"}`, 0},
		"callback of a timeout":                     {`{"type":"callback","to":"nobody"}`, 100 * time.Millisecond},
		"callback of a reply, the request's ctx":    {`{"type":"own","to":"n2"}`, 0},
		"callback of a timeout, the request's ctx":  {`{"type":"own","to":"nobody"}`, 100 * time.Millisecond},
		"callback of a reply, the node's own ctx":   {`{"type":"every","to":"n2"}`, 0},
		"callback of a timeout, the node's own ctx": {`{"type":"every","to":"nobody"}`, 100 * time.Millisecond},
		"inline handler, another request's ctx":     {`{"type":"borrow"}`, 0},
		"callback of the node, a request's ctx":     {`{"type":"node","to":"n2"}`, 0},
		"timeout of the node, a request's ctx":      {`{"type":"node","to":"nobody"}`, 100 * time.Millisecond},
	} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { blockWhereNothingMay(t, test.body, test.begin) })
		})
	}
}

func blockWhereNothingMay(t *testing.T, body string, begin time.Duration) {
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	type end struct {
		attempts int
		at       time.Duration
	}
	start, ends := time.Now(), make(chan end, 1)
	block := func(ctx context.Context) {
		_, attempts, err := n.RPCWithRetry(ctx, "nobody", eddy.Raw(`{"type":"read"}`), nil)
		if !errors.Is(err, eddy.Timeout) {
			t.Errorf("the blocking call failed with %v", err)
		}
		ends <- end{attempts, time.Since(start)}
	}
	first := &eddy.Policy{Attempts: 1, Timeout: 100 * time.Millisecond}
	callThenBlock := func(own func(ctx context.Context) context.Context) eddy.Handler {
		return func(ctx context.Context, req *eddy.Request) (any, error) {
			to, _ := req.Body.Get("to").Text()
			return eddy.Later, req.Call(ctx, to, eddy.Raw(`{"type":"read"}`), first, func(eddy.Result) {
				block(own(ctx))
				req.Reply(eddy.Raw(`{}`))
			})
		}
	}
	var lent context.Context
	var nodeContext atomic.Pointer[context.Context]
	n.Every(time.Hour, func(ctx context.Context) { nodeContext.Store(&ctx) })
	n.HandleInline("inline", func(context.Context, *eddy.Request) (any, error) {
		block(context.Background())
		return eddy.Raw(`{}`), nil
	})
	n.HandleInline("callback", callThenBlock(func(context.Context) context.Context { return context.Background() }))
	n.Handle("lend", func(ctx context.Context, _ *eddy.Request) (any, error) {
		lent = ctx
		return eddy.Raw(`{}`), nil
	})
	n.HandleInline("borrow", func(context.Context, *eddy.Request) (any, error) {
		block(lent)
		return eddy.Raw(`{}`), nil
	})
	n.Handle("node", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, _ := req.Body.Get("to").Text()
		blocked := make(chan bool)
		err := n.Call(ctx, to, eddy.Raw(`{"type":"read"}`), first, func(eddy.Result) {
			block(ctx)
			close(blocked)
		})
		<-blocked
		return eddy.Raw(`{}`), err
	})
	n.Handle("own", callThenBlock(func(ctx context.Context) context.Context { return ctx }))
	n.Handle("every", callThenBlock(func(context.Context) context.Context { return *nodeContext.Load() }))
	net := eddytest.New(t)
	net.Start("n1", n)
	n2, client := net.Client("n2"), net.Client("c1")
	n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"read_ok"}`) })
	client.Await(client.Request("n1", `{"type":"lend"}`))

	asked := client.Request("n1", body)
	time.Sleep(begin + time.Millisecond)
	// Timeouts of other calls still work meanwhile.
	_, attempts, err := n.RPCWithRetry(t.Context(), "nobody", eddy.Raw(`{"type":"read"}`), &eddy.Policy{Attempts: 2, Timeout: 200 * time.Millisecond})
	if took := time.Since(start) - begin; attempts != 2 || !errors.Is(err, eddy.Timeout) || took != 401*time.Millisecond {
		t.Errorf("another call made %d attempts and failed with %v after %v", attempts, err, took)
	}
	if got, want := <-ends, (end{3, begin + 1500*time.Millisecond}); got != want {
		t.Errorf("the blocking call ended with %+v, want %+v", got, want)
	}
	if m := client.Await(asked); m.Type() == "error" {
		t.Errorf("the reply is %s", m.Body)
	}
}

// If the ctx of an inline handler reports a deadline, it ends then.
func TestDeadlineOfInlineHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		start, left := time.Now(), make(chan time.Duration, 1)
		ended := make(chan error, 1)
		n.HandleInline("look", func(ctx context.Context, req *eddy.Request) (any, error) {
			deadline, ok := ctx.Deadline()
			if !ok {
				t.Error("the context has no deadline")
			}
			left <- deadline.Sub(start)
			context.AfterFunc(ctx, func() {
				ended <- ctx.Err()
				req.Fail(ctx.Err())
			})
			// This call keeps the request open, and does not know of the deadline.
			return eddy.Later, req.Call(t.Context(), "n2", eddy.Raw(`{"type":"read"}`), nil, func(eddy.Result) {})
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		client := net.Client("c1")
		asked := client.Request("n1", `{"type":"look","deadline_ms":100}`)
		if got := <-left; got != 100*time.Millisecond {
			t.Errorf("the deadline is after %v", got)
		}
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 100*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if m := client.Await(asked); time.Since(start) != 100*time.Millisecond {
			t.Errorf("the reply %s came after %v", m.Body, time.Since(start))
		}
	})
}

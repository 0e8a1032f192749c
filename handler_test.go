package eddy_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// ok is a handler that replies at once.
func ok(context.Context, *eddy.Request) (any, error) { return eddy.Raw(`{}`), nil }

// Handlers that sleep hold up no other handler.
func TestSleepingHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.Handle("sleep", func(context.Context, *eddy.Request) (any, error) {
			time.Sleep(3 * time.Millisecond)
			return eddy.Raw(`{}`), nil
		})
		n.HandleInline("echo", ok)
		net := eddytest.New(t)
		net.Start("n1", n)
		client := net.Client("c1")
		start := time.Now()
		var asked []int64
		for range 300 {
			asked = append(asked, client.Request("n1", `{"type":"sleep"}`))
		}
		client.Call("n1", `{"type":"echo"}`)
		if took := time.Since(start); took != 0 {
			t.Errorf("the reply to echo took %v", took)
		}
		for _, id := range asked {
			client.Await(id)
		}
		if took := time.Since(start); took > 10*time.Millisecond {
			t.Errorf("the replies to 300 requests took %v", took)
		}
	})
}

// Handlers hold a mutex across a call. The test runs on the real clock, since synctest
// does not regard a goroutine that waits for a mutex as blocked.
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
	requestAll(t, client, `{"type":"locked"}`, requests)
	if served != requests {
		t.Errorf("%d requests were served, want %d", served, requests)
	}
}

// requestAll sends requests and waits for their replies, which must not be errors.
func requestAll(t *testing.T, client *eddytest.Client, body string, count int) {
	t.Helper()
	asked := make([]int64, count)
	for i := range asked {
		asked[i] = client.Request("n1", body)
	}
	for i, id := range asked {
		if m := client.Await(id); m.Type == "error" {
			t.Errorf("the reply to request %d is %s", i, m.Body)
		}
	}
}

// Handlers lock their goroutine to its thread across a call, and some never unlock it.
func TestThreadLockedAcrossCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.Handle("lock", func(ctx context.Context, req *eddy.Request) (any, error) {
			runtime.LockOSThread()
			if req.ID%2 == 0 {
				defer runtime.UnlockOSThread()
			}
			_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"read"}`))
			return eddy.Raw(`{}`), err
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		n2, client := net.Client("n2"), net.Client("c1")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"read_ok"}`) })
		net.Delay("n1", "n2", 100*time.Millisecond)
		for range 5 {
			requestAll(t, client, `{"type":"lock"}`, 10)
		}
	})
}

// The goroutine that calls Serve may be locked to its thread, as main's is in programs
// with windows.
func TestServeOnLockedThread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.Handle("ask", func(ctx context.Context, _ *eddy.Request) (any, error) {
			_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"read"}`))
			return nil, err
		})
		net := eddytest.New(t)
		client, transport := net.Client("c1"), net.Join("n1")
		served := make(chan error, 1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			served <- n.Serve(ctx, transport)
		}()
		client.Call("n1", `{"type":"init","node_id":"n1","node_ids":["n1"]}`)
		for range 3 {
			client.Call("n1", `{"type":"ask"}`)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// Each handler waits for the handler of the request after it.
func TestHandlersThatWaitForEachOther(t *testing.T) {
	const requests = 100
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		passed := make([]chan struct{}, requests+1)
		for i := range passed {
			passed[i] = make(chan struct{})
		}
		close(passed[requests])
		n.Handle("wait", func(_ context.Context, req *eddy.Request) (any, error) {
			i := req.ID - 1
			<-passed[i+1]
			close(passed[i])
			return eddy.Raw(`{}`), nil
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		requestAll(t, net.Client("c1"), `{"type":"wait"}`, requests)
	})
}

// A handler that blocks past the end of Serve can no longer reply, and is the only
// goroutine that stays.
func TestHandlersThatOutliveTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := goroutines()
		const blocked = 20
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler), Drain: time.Second}
		goOn, replies := make(chan struct{}), make(chan error, 3*blocked)
		n.Handle("block", func(ctx context.Context, req *eddy.Request) (any, error) {
			<-goOn
			replies <- req.Reply(eddy.Raw(`{}`))
			_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"read"}`))
			replies <- err
			replies <- n.Send("n2", eddy.Raw(`{"type":"read"}`))
			return eddy.Raw(`{}`), nil
		})
		n.Handle("quick", ok)
		n.Every(time.Second, func(context.Context) {})
		p := newPipe()
		served := make(chan error, 1)
		go func() { served <- n.Serve(t.Context(), p) }()
		p.arrive([]byte(initLine))
		for i := range blocked {
			p.arrive([]byte(requestLine("block", i)))
			p.arrive([]byte(requestLine("quick", blocked+i)))
		}
		go n.RPC(t.Context(), "n3", eddy.Raw(`{"type":"read"}`)) // starts the timer of timeouts
		time.Sleep(time.Second)
		p.eof()
		if err := <-served; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if count := goroutinesOver(before + blocked); count > 0 {
			buf := make([]byte, 1<<20)
			t.Errorf("%d goroutines, want %d of which %d are handlers\n%s", count, before+blocked, blocked, buf[:runtime.Stack(buf, true)])
		}
		close(goOn)
		for range 3 * blocked {
			if err := <-replies; err == nil {
				t.Error("a message was sent after the end of the node")
			}
		}
	})
}

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

// A handler of one node calls through another node in the same process.
func TestCallByAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		var n1, n2 eddy.Node
		n1.HandleInline("echo", ok)
		n2.HandleInline("echo", ok)
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
				t.Errorf("the reply is %s", m.Body)
			}
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
	callThenBlock := func(own func(ctx context.Context) context.Context) eddy.Handler {
		return func(ctx context.Context, req *eddy.Request) (any, error) {
			to, _ := req.Body.Get("to").Text()
			policy := &eddy.Policy{Attempts: 1, Timeout: 100 * time.Millisecond}
			return eddy.Later, req.Call(ctx, to, eddy.Raw(`{"type":"read"}`), policy, func(eddy.Result) {
				block(own(ctx))
				req.Reply(eddy.Raw(`{}`))
			})
		}
	}
	var nodeContext context.Context
	n.Every(time.Hour, func(ctx context.Context) { nodeContext = ctx })
	n.HandleInline("inline", func(context.Context, *eddy.Request) (any, error) {
		block(context.Background())
		return eddy.Raw(`{}`), nil
	})
	n.HandleInline("callback", callThenBlock(func(context.Context) context.Context { return context.Background() }))
	n.Handle("own", callThenBlock(func(ctx context.Context) context.Context { return ctx }))
	n.Handle("every", callThenBlock(func(context.Context) context.Context { return nodeContext }))
	net := eddytest.New(t)
	net.Start("n1", n)
	n2, client := net.Client("n2"), net.Client("c1")
	n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"read_ok"}`) })
	synctest.Wait()

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
	if m := client.Await(asked); m.Type == "error" {
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

// A breaking value does not become JSON: something else happens instead.
type breaking struct{ by func() }

func (b breaking) MarshalJSON() ([]byte, error) { b.by(); return nil, nil }

// The MarshalJSON method of a reply or of the body of a call may panic or end its
// goroutine. That ends the handler and not the node.
func TestBodiesThatBreak(t *testing.T) {
	for name, breaks := range map[string]func(){
		"panic":  func() { panic("on purpose") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
				body := map[string]any{"type": "read", "key": breaking{breaks}}
				reply := func(context.Context, *eddy.Request) (any, error) { return body, nil }
				n.Handle("reply", reply)
				n.HandleInline("reply-inline", reply)
				n.Handle("call", func(ctx context.Context, _ *eddy.Request) (any, error) {
					_, err := n.RPC(ctx, "n2", body)
					return nil, err
				})
				n.HandleInline("call-inline", func(ctx context.Context, req *eddy.Request) (any, error) {
					return eddy.Later, req.Call(ctx, "n2", body, nil, func(eddy.Result) {})
				})
				n.Handle("recover", func(ctx context.Context, _ *eddy.Request) (reply any, err error) {
					defer func() {
						if recover() != nil {
							reply, err = eddy.Raw(`{}`), nil
						}
					}()
					_, err = n.RPC(ctx, "n2", body)
					return nil, err
				})
				net := eddytest.New(t)
				net.Start("n1", n)
				client := net.Client("c1")
				for range 3 {
					for _, typ := range []string{"reply", "reply-inline", "call", "call-inline", "recover"} {
						m := client.Call("n1", `{"type":"`+typ+`"}`)
						if code, _ := m.Body.Get("code").Int(); code != 13 && !(typ == "recover" && name == "panic" && m.Type == "recover_ok") {
							t.Errorf("the reply to %s is %s", typ, m.Body)
						}
					}
				}
				synctest.Wait()
				if calls, requests := openNow(n); calls+requests != 0 {
					t.Errorf("%d calls and %d requests are open", calls, requests)
				}
			})
		})
	}
}

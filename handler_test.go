package eddy_test

import (
	"context"
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

// Handlers that sleep delay no other handler.
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
		if m := client.Await(id); m.Type() == "error" {
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
			if m := client.Await(asked); m.Type() != "ask_ok" {
				t.Errorf("the reply is %s", m.Body)
			}
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
						if code, _ := m.Body.Get("code").Int(); code != 13 && !(typ == "recover" && name == "panic" && m.Type() == "recover_ok") {
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

package eddy_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// An awkward body breaks what encodes it.
type awkward struct{ how string }

func (a awkward) MarshalJSON() ([]byte, error) {
	switch a.how {
	case "panic":
		panic("awkward")
	case "end":
		runtime.Goexit()
	case "error":
		return nil, fmt.Errorf("awkward")
	}
	return []byte(`{"type":"do","said":"fine"}`), nil
}

// A handler that waits goes on with the right replies after calls that break, and so do
// those that come after it.
func TestCallsAfterBrokenOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		policies := []*eddy.Policy{nil, {Deadline: time.Second}, {Attempts: 1}, {CallID: true, Hedge: 20 * time.Millisecond}}
		n.Handle("work", func(ctx context.Context, req *eddy.Request) (any, error) {
			number, _ := req.Body.Get("number").Int()
			for i := range 6 {
				said := fmt.Sprintf("%d.%d", number, i)
				if i%2 == 1 {
					func() {
						defer func() { recover() }()
						how := []string{"panic", "error", "", "end"}[(int(number)+i)%4]
						if how == "end" && i < 5 {
							how = "panic"
						}
						n.RPCWithRetry(ctx, "n2", awkward{how}, policies[i%4])
					}()
				}
				reply, _, err := n.RPCWithRetry(ctx, "n2", map[string]any{"type": "do", "said": said}, policies[(int(number)+i)%4])
				if err != nil {
					return nil, err
				}
				if got, _ := reply.Body.Get("said").Text(); got != said {
					return nil, fmt.Errorf("got %s for %s", got, said)
				}
			}
			return eddy.Raw(`{"type":"good"}`), nil
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		n2, client := net.Client("n2"), net.Client("c1")
		seen := 0
		n2.Handle(func(m eddy.Message) {
			if seen++; seen%5 == 0 {
				return // lost
			}
			n2.Reply(m, map[string]any{"type": "done", "said": m.Body.Get("said")})
		})
		var ids []int64
		for i := range 200 {
			ids = append(ids, client.Request("n1", map[string]any{"type": "work", "number": i}))
			if i%7 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		types := map[string]int{}
		for _, id := range ids {
			reply := client.Await(id)
			text, _ := reply.Body.Get("text").Text()
			types[reply.Type+" "+text[:min(len(text), 30)]]++
			if len(text) > 4 && text[:4] == "got " {
				t.Error(text)
			}
		}
		t.Log(types)
	})
}

// A coroutine that serves nothing keeps nobody's request.
func TestIdleCoroutineKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		var gone atomic.Int32
		n.Handle("work", func(ctx context.Context, req *eddy.Request) (any, error) {
			runtime.SetFinalizer(req, func(*eddy.Request) { gone.Add(1) })
			_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"do"}`))
			return eddy.Raw(`{}`), err
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		n2, client := net.Client("n2"), net.Client("c1")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"done"}`) })
		body := `{"type":"work","long":"` + strings.Repeat("x", 1<<20) + `"}`
		const requests = 10
		for range requests {
			client.Call("n1", body)
		}
		synctest.Wait()
		for range 3 {
			runtime.GC()
			synctest.Wait()
		}
		if gone := int(gone.Load()); gone < requests {
			t.Errorf("%d of %d requests are still kept", requests-gone, requests)
		}
	})
}

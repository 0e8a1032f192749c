package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A waiting is a node n1 whose handler of ask waits for calls, a client, and n2, which
// replies after 100 ms with what it was asked.
type waiting struct {
	t      *testing.T
	net    *eddytest.Net
	n      *eddy.Node
	client *eddytest.Client
}

func testWaiting(t *testing.T, ask func(w *waiting, ctx context.Context, req *eddy.Request) error, test func(w *waiting)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &waiting{t: t, net: eddytest.New(t), n: &eddy.Node{Log: slog.New(slog.DiscardHandler)}}
		w.n.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
			return map[string]any{}, ask(w, ctx, req)
		})
		w.net.Start("n1", w.n)
		w.client = w.net.Client("c1")
		n2 := w.net.Client("n2")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, fmt.Sprintf(`{"type":"read_ok","key":%s}`, m.Body.Get("key"))) })
		w.net.Delay("n1", "n2", 100*time.Millisecond)
		test(w)
		synctest.Wait()
		if calls, requests := openNow(w.n); calls+requests != 0 {
			t.Errorf("%d calls and %d requests are open", calls, requests)
		}
	})
}

// read calls n2 with a key, which must come back after one attempt.
func (w *waiting) read(ctx context.Context, key any) error {
	text := fmt.Sprint(key)
	reply, attempts, err := w.n.RPCWithRetry(ctx, "n2", map[string]any{"type": "read", "key": text}, nil)
	got, _ := reply.Body.Get("key").Text()
	if err == nil && (got != text || attempts != 1) {
		return fmt.Errorf("the call with %s ended with %s after %d attempts", text, reply.Body, attempts)
	}
	return err
}

// ask sends requests and waits for their replies, which must not be errors. It returns how
// long that took.
func (w *waiting) ask(count int) time.Duration {
	w.t.Helper()
	start := time.Now()
	requestAll(w.t, w.client, `{"type":"ask"}`, count)
	return time.Since(start)
}

// Thousands of handlers wait at the same time. Their goroutines end, except those that the
// node keeps for more requests.
func TestManyWaitingHandlers(t *testing.T) {
	before := goroutines()
	testWaiting(t, func(w *waiting, ctx context.Context, req *eddy.Request) error {
		for i := range 3 {
			if err := w.read(ctx, fmt.Sprint(req.ID, ".", i)); err != nil {
				return err
			}
		}
		return nil
	}, func(w *waiting) {
		for _, count := range []int{1, 3000, 1, 10, 3000, 1} {
			if took := w.ask(count); took != 300*time.Millisecond {
				t.Errorf("%d requests took %v", count, took)
			}
		}
		synctest.Wait()
		const kept = 1024
		if count := goroutinesOver(before + kept + 20); count > 0 {
			t.Errorf("%d goroutines are left, there were %d", count, before)
		}
		if s := w.n.Stats(); s.Retries+s.Failures+s.Strays > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A goroutine of the node that waits for a request keeps no earlier one.
func TestIdleGoroutinesKeepNothing(t *testing.T) {
	var collected atomic.Int32
	testWaiting(t, func(w *waiting, ctx context.Context, req *eddy.Request) error {
		runtime.SetFinalizer(req, func(*eddy.Request) { collected.Add(1) })
		return w.read(ctx, req.ID)
	}, func(w *waiting) {
		const requests = 10
		requestAll(t, w.client, `{"type":"ask","pad":"`+strings.Repeat("x", 1<<20)+`"}`, requests)
		synctest.Wait()
		for range 5 {
			runtime.GC()
		}
		for range 1000 { // finalizers run on another goroutine
			if collected.Load() == requests {
				return
			}
			runtime.Gosched()
		}
		t.Errorf("%d of %d requests are still kept", requests-collected.Load(), requests)
	})
}

// The goroutines of a handler call with its ctx, while the handler calls too.
func TestCallsFromTheHandlersGoroutines(t *testing.T) {
	testWaiting(t, func(w *waiting, ctx context.Context, req *eddy.Request) error {
		var errs [6]error
		errs[0] = w.read(ctx, fmt.Sprint(req.ID, "a"))
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() { errs[i+1] = w.read(ctx, fmt.Sprint(req.ID, "b", i)) })
		}
		errs[4] = w.read(ctx, fmt.Sprint(req.ID, "c"))
		wg.Wait()
		wg.Go(func() { errs[5] = w.read(ctx, fmt.Sprint(req.ID, "d")) })
		wg.Wait()
		return errors.Join(errs[:]...)
	}, func(w *waiting) {
		if took := w.ask(200); took != 300*time.Millisecond {
			t.Errorf("three calls of 100 ms, one after the other, took %v", took)
		}
	})
}

// A handler calls with the ctx of another handler, while the other waits and after it has
// returned.
func TestCallsWithAnothersContext(t *testing.T) {
	var lent atomic.Pointer[context.Context]
	testWaiting(t, func(w *waiting, ctx context.Context, req *eddy.Request) error {
		other := lent.Swap(&ctx)
		err := w.read(ctx, req.ID)
		if other != nil {
			err = errors.Join(err, w.read(*other, fmt.Sprint(req.ID, "x")), w.read(ctx, fmt.Sprint(req.ID, "y")))
		}
		return err
	}, func(w *waiting) {
		for _, count := range []int{1, 1, 500, 1} {
			w.ask(count)
		}
	})
}

// A context that ends ends its own call and no other.
func TestCallsThatEndWithTheirContext(t *testing.T) {
	testWaiting(t, func(w *waiting, ctx context.Context, req *eddy.Request) error {
		soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if err := w.read(soon, "soon"); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the call ended with %w", err)
		}
		return w.read(ctx, req.ID)
	}, func(w *waiting) {
		if took := w.ask(200); took != 150*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Second) // until the late replies have come
	})
}

// A handler panics or ends its goroutine, before a call or after it. The request gets Crash,
// and other requests are served.
func TestHandlersThatBreak(t *testing.T) {
	for name, breaks := range map[string]func(){
		"panic":  func() { panic("on purpose") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			testWaiting(t, func(w *waiting, ctx context.Context, req *eddy.Request) error {
				if req.ID%5 == 1 {
					breaks()
				}
				err := w.read(ctx, req.ID)
				if req.ID%5 == 2 {
					breaks()
				}
				return err
			}, func(w *waiting) {
				asked := make([]int64, 200)
				for i := range asked {
					asked[i] = w.client.Request("n1", `{"type":"ask"}`)
				}
				for _, id := range asked {
					m := w.client.Await(id)
					code, _ := m.Body.Get("code").Int()
					if broken := id%5 == 1 || id%5 == 2; broken != (code == 13) || broken == (m.Type() == "ask_ok") {
						t.Errorf("the reply to request %d is %s", id, m.Body)
					}
				}
			})
		})
	}
}

// Handlers wait for calls that time out or cannot begin. At the end of its input the node
// waits for them.
func TestWaitingInVain(t *testing.T) {
	var failed atomic.Int64
	testWaiting(t, func(w *waiting, ctx context.Context, req *eddy.Request) error {
		_, attempts, err := w.n.RPCWithRetry(ctx, "nobody", do, nil)
		if !errors.Is(err, eddy.Timeout) || attempts != 3 {
			return fmt.Errorf("%d attempts, %w", attempts, err)
		}
		if _, attempts, err = w.n.RPCWithRetry(ctx, "n2", eddy.Raw(`{`), nil); err == nil || attempts != 0 {
			return fmt.Errorf("a body that is not JSON: %d attempts, %w", attempts, err)
		}
		failed.Add(1)
		return w.read(ctx, "last")
	}, func(w *waiting) {
		if took := w.ask(500); took != 1600*time.Millisecond || failed.Load() != 500 {
			t.Errorf("%d calls timed out in %v", failed.Load(), took)
		}
		for range 100 {
			w.client.Request("n1", `{"type":"ask"}`)
		}
		synctest.Wait()
		w.net.Stop("n1")
		if failed.Load() != 600 {
			t.Errorf("%d handlers ended, want 600", failed.Load())
		}
	})
}

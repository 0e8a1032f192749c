package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/retry"
)

// A call ends with its context also in a pause between two attempts, and nothing of
// it stays.
func TestCancelInPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1")
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net.Start("n1", n)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(time.Minute, cancel)
		begun := time.Now()
		_, attempts, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"x"}`), &eddy.Policy{
			Backoff: retry.Backoff{Kind: retry.Constant, Base: 30 * time.Minute},
		})
		if took := time.Since(begun); took != time.Minute || attempts != 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("%d attempts in %v: %v", attempts, took, err)
		}
		if calls, requests := n.OpenCalls(); calls+requests != 0 {
			t.Errorf("%d calls, %d requests are open", calls, requests)
		}
	})
}

// A node that drains does not wait for a pause that is longer than its patience.
func TestDrainInPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1")
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler), Drain: 10 * time.Second}
		net.Start("n1", n)
		failed := make(chan error)
		go func() {
			_, _, err := n.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"x"}`), &eddy.Policy{
				Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Hour},
			})
			failed <- err
		}()
		time.Sleep(time.Second)
		begun := time.Now()
		net.Stop("n1")
		if took := time.Since(begun); took > 11*time.Second {
			t.Errorf("it took %v", took)
		}
		if err := <-failed; err == nil {
			t.Error("the call did not fail")
		}
	})
}

// Once holds for every way in which a handler may answer or fail to, and leaves
// nothing behind; so do deadlines.
func TestOnceHoweverAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		var once eddy.Once
		effects := map[string]int{}
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		handlers := map[string]eddy.Handler{
			"returns": func(context.Context, *eddy.Request) (any, error) { return map[string]any{}, nil },
			"replies": func(_ context.Context, req *eddy.Request) (any, error) { return nil, req.Reply(map[string]any{}) },
			"fails":   func(context.Context, *eddy.Request) (any, error) { return nil, eddy.PreconditionFailed },
			"panics":  func(context.Context, *eddy.Request) (any, error) { panic("no") },
			"forgets": func(context.Context, *eddy.Request) (any, error) { return nil, nil },
			"later": func(_ context.Context, req *eddy.Request) (any, error) {
				req.Call("n2", eddy.Raw(`{"type":"x"}`), &eddy.Policy{Attempts: 1}, func(req *eddy.Request, _ eddy.Message, _ int, err error) {
					req.Fail(err)
				})
				return eddy.Later, nil
			},
			"waits": func(ctx context.Context, _ *eddy.Request) (any, error) {
				reply, _, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"x"}`), nil)
				return reply.Body, err
			},
		}
		for name, h := range handlers {
			counted := func(ctx context.Context, req *eddy.Request) (any, error) {
				effects[req.Type()]++
				return h(ctx, req)
			}
			n.Handle(name, once.Handler(counted))
			if name != "waits" {
				n.HandleInline(name+"-inline", once.Handler(counted))
			}
		}
		net.Start("n1", n)
		client := net.Client("c1")
		number := 0
		for name := range handlers {
			for _, typ := range []string{name, name + "-inline"} {
				if typ == "waits-inline" {
					continue
				}
				number++
				for _, deadline := range []string{"", `,"deadline_ms":60000,"retry":false`, `,"deadline_ms":60000,"retry":true`} {
					var ids []int64
					for range 3 {
						ids = append(ids, client.Request("n1", fmt.Sprintf(`{"type":%q,"call":"life/%d"%s}`, typ, number, deadline)))
					}
					for _, id := range ids {
						client.Await(id)
					}
				}
				if effects[typ] != 1 {
					t.Errorf("%s had %d effects", typ, effects[typ])
				}
			}
		}
		synctest.Wait()
		if calls, requests := n.OpenCalls(); calls+requests+n.OpenTerms() != 0 {
			t.Errorf("%d calls, %d requests, %d terms are open", calls, requests, n.OpenTerms())
		}
	})
}

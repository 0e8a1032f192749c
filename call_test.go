package eddy_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/retry"
)

// A call that cannot begin returns an error, and its callback is not called. Its request
// stays open as if there had been no call.
func TestCallsThatCannotBegin(t *testing.T) {
	read := eddy.Raw(`{"type":"read"}`)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		dest   string
		body   any
		policy *eddy.Policy
		want   string
	}{
		"ended context":    {ended, "n2", read, nil, "context canceled"},
		"deadline":         {late, "n2", read, nil, "context deadline exceeded"},
		"empty dest":       {nil, "", read, nil, "dest is empty"},
		"dest not UTF-8":   {nil, "n\xff", read, nil, "dest is not valid UTF-8"},
		"body not JSON":    {nil, "n2", eddy.Raw(`{"type":`), nil, "not JSON"},
		"body no object":   {nil, "n2", 7, nil, "a body must be a JSON object"},
		"no body":          {nil, "n2", nil, nil, "a body must be a JSON object"},
		"body not encoded": {nil, "n2", func() {}, nil, "func()"},
		"no type":          {nil, "n2", eddy.Raw(`{}`), nil, "body.type is missing"},
		"policy":           {nil, "n2", read, &eddy.Policy{Attempts: -1}, "policy: attempts: -1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
				begin := func(ctx context.Context, call func(context.Context, string, any, *eddy.Policy, func(eddy.Result)) error) error {
					if c.ctx != nil {
						ctx = c.ctx
					}
					return call(ctx, c.dest, c.body, c.policy, func(eddy.Result) { t.Error("the callback was called") })
				}
				check := func(err error) {
					var failed *eddy.CallError
					switch {
					case err == nil || !strings.Contains(err.Error(), c.want):
						t.Errorf("the error is %v, want %s", err, c.want)
					case !errors.As(err, &failed) || failed.Dest() != c.dest || len(failed.Attempts()) != 0 || !failed.Definite():
						t.Errorf("%#v is no CallError of a call that was not sent", err)
					}
				}
				call := func(ctx context.Context, req *eddy.Request) (any, error) {
					check(begin(ctx, req.Call))
					return eddy.Later, nil
				}
				n.Handle("call", call)
				n.HandleInline("call-inline", call)
				net := eddytest.New(t)
				net.Start("n1", n)
				check(begin(t.Context(), n.Call))
				client := net.Client("c1")
				for _, typ := range []string{"call", "call-inline"} {
					m := client.Call("n1", `{"type":"`+typ+`"}`)
					if text, _ := m.Body.Get("text").Text(); text != "the handler of "+typ+" did not reply" {
						t.Errorf("the reply is %s", m.Body)
					}
				}
				if s := n.Stats(); s.Calls+s.Attempts+s.OpenCalls+s.OpenRequests != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// A call on a node that does not run, not yet or no longer, returns an error.
func TestCallsOnANodeThatDoesNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		read := eddy.Raw(`{"type":"read"}`)
		fail := func() {
			t.Helper()
			callback := func(eddy.Result) { t.Error("the callback was called") }
			for _, ctx := range []context.Context{context.Background(), t.Context()} {
				_, err := n.RPC(ctx, "n2", read)
				for _, err := range []error{err, n.Call(ctx, "n2", read, nil, callback), n.Send("n2", read)} {
					if !errors.Is(err, eddy.TemporarilyUnavailable) {
						t.Errorf("the error is %v", err)
					}
				}
				for r := range n.Broadcast(ctx, []string{"n2"}, read, nil) {
					if !errors.Is(r.Err, eddy.TemporarilyUnavailable) {
						t.Errorf("the error is %v", r.Err)
					}
				}
			}
		}
		fail()
		net := eddytest.New(t)
		net.Start("n1", n)
		net.Stop("n1")
		fail()
	})
}

// The end of a context ends a call with a callback as it ends one that waits.
func TestCallbackAfterTheEndOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.HandleInline("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
			ctx, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
			err := req.Call(ctx, "n2", eddy.Raw(`{"type":"read"}`), nil, func(r eddy.Result) {
				cancel()
				req.Fail(r.Err)
			})
			return eddy.Later, err
		})
		net.Start("n1", n)
		client, start := net.Client("c1"), time.Now()
		m := client.Call("n1", `{"type":"ask"}`)
		if text, _ := m.Body.Get("text").Text(); text != "RPC failed after 2 attempts: deadline passed" || time.Since(start) != 700*time.Millisecond {
			t.Errorf("%s after %v", m.Body, time.Since(start))
		}

		ctx, cancel := context.WithCancelCause(t.Context())
		enough, results := errors.New("enough"), make(chan eddy.Result, 1)
		if err := n.Call(ctx, "n2", eddy.Raw(`{"type":"read"}`), nil, func(r eddy.Result) { results <- r }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(600 * time.Millisecond)
		cancel(enough)
		if r := <-results; r.Dest != "n2" || r.Attempts != 2 || !errors.Is(r.Err, enough) || r.Reply.Body != nil {
			t.Errorf("%+v", r)
		}
	})
}

// Results of callbacks, of Broadcast and of calls that wait say the same.
func TestResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net.Start("n1", n)
		n2 := net.Client("n2")
		n2.Handle(func(m eddy.Message) {
			if m.Type() == "read" {
				n2.Reply(m, `{"type":"read_ok","value":7}`)
				return
			}
			n2.Reply(m, `{"type":"error","code":22,"text":"no"}`)
		})
		text := func(r eddy.Result) string {
			err := ""
			if r.Err != nil {
				err = r.Err.Error()
			}
			return strings.Join([]string{r.Dest, r.Reply.Body.String()[:20], strings.Repeat("*", r.Attempts), err}, " ")
		}
		for body, want := range map[string]string{
			`{"type":"read"}`:  `n2 {"type":"read_ok","v * `,
			`{"type":"write"}`: `n2 {"type":"error","cod * RPC to n2 failed: no (precondition-failed)`,
		} {
			reply, attempts, err := n.RPCWithRetry(t.Context(), "n2", eddy.Raw(body), nil)
			results := []string{text(eddy.Result{Dest: "n2", Reply: reply, Attempts: attempts, Err: err})}
			for r := range n.Broadcast(t.Context(), []string{"n2"}, eddy.Raw(body), nil) {
				results = append(results, text(r))
			}
			called := make(chan string, 1)
			if err := n.Call(t.Context(), "n2", eddy.Raw(body), nil, func(r eddy.Result) { called <- text(r) }); err != nil {
				t.Fatal(err)
			}
			for _, got := range append(results, <-called) {
				if got != want {
					t.Errorf("%s, want %s", got, want)
				}
			}
		}
	})
}

// A call also ends with its context in a pause between two attempts, and leaves nothing.
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
		if calls, requests := openNow(n); calls+requests != 0 {
			t.Errorf("%d calls and %d requests are open", calls, requests)
		}
	})
}

// A node that drains does not wait for a pause that is longer than Drain.
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

// Of the last two calls of a request, one is answered and the other one times out at the
// same moment. Whichever callback returns last, a request without a reply gets Crash, and
// one with a reply gets no second one.
func TestRequestOfCallsThatEndTogether(t *testing.T) {
	t.Parallel()
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	read := eddy.Raw(`{"type":"do"}`)
	fan := func(last func(req *eddy.Request)) eddy.Handler {
		return func(ctx context.Context, req *eddy.Request) (any, error) {
			var open, returning atomic.Int32
			open.Store(2)
			done := func(eddy.Result) {
				if open.Add(-1) == 0 {
					last(req)
				}
				returning.Add(1)
				for i := 0; returning.Load() < 2 && i < 1_000_000; i++ { // so that both return together
				}
			}
			for dest, timeout := range map[string]time.Duration{"nobody": time.Millisecond, "n2": time.Minute} {
				if err := req.Call(ctx, dest, read, &eddy.Policy{Attempts: 1, Timeout: timeout}, done); err != nil {
					return nil, err
				}
			}
			return eddy.Later, nil
		}
	}
	n.HandleInline("replies", fan(func(req *eddy.Request) { req.Reply(eddy.Raw(`{}`)) }))
	n.HandleInline("forgets", fan(func(*eddy.Request) {}))
	p := &peer{n: n, requests: longtest.Or(2000, 200), types: []string{"replies", "forgets"}}
	p.run(t)
	if p.errors != p.requests/2 || p.replies != p.requests {
		t.Errorf("%d replies of which %d are errors, want %d and %d", p.replies, p.errors, p.requests, p.requests/2)
	}
	if s := n.Stats(); s.OpenCalls+s.OpenRequests != 0 {
		t.Errorf("%d calls and %d requests are open", s.OpenCalls, s.OpenRequests)
	}
}

// Later is a constant, so that no package can change it.
const _ = eddy.Later

// The longest possible timeout never passes.
func TestLongestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net.Start("n1", n)
		for _, p := range []*eddy.Policy{{Timeout: math.MaxInt64}, {LastTimeout: math.MaxInt64, Attempts: 1}} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			if _, attempts, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"read"}`), p); !errors.Is(err, context.DeadlineExceeded) || attempts != 1 {
				t.Errorf("%d attempts: %v", attempts, err)
			}
		}
	})
}

// The code of an error reply is compared as a whole, on 32-bit machines too: 2^32+11 is neither
// retried as 11 nor definite.
func TestErrorCodesDoNotWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net := eddytest.New(t)
		net.Start("n1", n)
		n2 := net.Client("n2")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"error","code":4294967307}`) })
		_, attempts, err := n.RPCWithRetry(t.Context(), "n2", do, &eddy.Policy{RetryOn: []int{11}})
		var code eddy.Code
		failed, ok := errors.AsType[*eddy.CallError](err)
		if !ok || !errors.As(err, &code) || code != 1<<32+11 || attempts != 1 || failed.Definite() || errors.Is(err, eddy.TemporarilyUnavailable) {
			t.Errorf("%d attempts, %v", attempts, err)
		}
	})
}

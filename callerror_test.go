package eddy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/retry"
)

// A program may keep errors. They keep neither the bodies of their calls nor the requests
// that the calls were made for.
func TestKeptErrorsAreSmall(t *testing.T) {
	const count, size = 50, 1 << 20
	pad := strings.Repeat("x", size)
	body := func(typ string) eddy.Raw { return eddy.Raw(`{"type":"` + typ + `","pad":"` + pad + `"}`) }
	for name, fail := range map[string]func(n *eddy.Node, ctx context.Context, req *eddy.Request, keep func(error)){
		"timeout": func(n *eddy.Node, ctx context.Context, _ *eddy.Request, keep func(error)) {
			_, err := n.RPC(ctx, "nobody", body("read"))
			keep(err)
		},
		"error reply": func(n *eddy.Node, ctx context.Context, _ *eddy.Request, keep func(error)) {
			_, err := n.RPC(ctx, "n2", body("read"))
			keep(err)
		},
		"error reply to a scheduled call": func(n *eddy.Node, ctx context.Context, _ *eddy.Request, keep func(error)) {
			_, _, err := n.RPCWithRetry(ctx, "n2", body("read"), &eddy.Policy{Deadline: time.Second, RetryOn: []int{22}})
			keep(err)
		},
		"context": func(n *eddy.Node, ctx context.Context, _ *eddy.Request, keep func(error)) {
			ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
			_, err := n.RPC(ctx, "nobody", body("read"))
			keep(err)
		},
		"no type": func(n *eddy.Node, ctx context.Context, _ *eddy.Request, keep func(error)) {
			_, err := n.RPC(ctx, "n2", eddy.Raw(`{"pad":"`+pad+`"}`))
			keep(err)
		},
		"not JSON": func(n *eddy.Node, ctx context.Context, _ *eddy.Request, keep func(error)) {
			_, err := n.RPC(ctx, "n2", body("read")[:size])
			keep(err)
		},
		"callback": func(n *eddy.Node, ctx context.Context, req *eddy.Request, keep func(error)) {
			req.Call(ctx, "nobody", body("read"), nil, func(r eddy.Result) { keep(r.Err) })
		},
		"callback of no request": func(n *eddy.Node, ctx context.Context, _ *eddy.Request, keep func(error)) {
			own, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Second, cancel)
			n.Call(own, "nobody", body("read"), nil, func(r eddy.Result) { keep(r.Err) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
				errs := make(chan error, 1)
				n.Handle("fail", func(ctx context.Context, req *eddy.Request) (any, error) {
					fail(n, ctx, req, func(err error) {
						req.Reply(eddy.Raw(`{}`))
						errs <- err
					})
					return eddy.Later, nil
				})
				// On a feed nothing but the node could keep what was written.
				f := serveFed(t, n)
				kept := make([]error, count)
				request := func() error {
					before := n.Stats().Out
					f.send(`{"src":"c1","dest":"n1","body":{"type":"fail","msg_id":1,"pad":"%s"}}`, pad)
					f.flush()
					synctest.Wait()
					f.send(`{"src":"n2","dest":"n1","body":{"type":"error","code":22,"in_reply_to":%d}}`, before)
					f.flush()
					return <-errs
				}
				request() // makes what stays on purpose
				before := measure()
				for i := range kept {
					kept[i] = request()
				}
				after := measure()
				if after.heap > before.heap+1<<20 {
					t.Errorf("%d errors keep %d bytes", count, after.heap-before.heap)
				}
				for _, err := range kept {
					if call, ok := err.(*eddy.CallError); !ok || len(call.Details()) > 300 || len(err.Error()) > 300 {
						t.Errorf("%.300v", err)
					}
				}
				runtime.KeepAlive(kept)
			})
		})
	}
}

// The error of a call says whether the call surely had no effect, see the transcripts
// calls-definite and calls-timeout-then-an-error. Its reasons are constants of the package.
func TestReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net := eddytest.New(t)
		net.Start("n1", n)
		n2 := net.Client("n2")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"error","code":22}`) })
		cancelled, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second/3, cancel)
		for _, c := range []struct {
			ctx    context.Context
			dest   string
			policy *eddy.Policy
			want   eddy.Reason
		}{
			{t.Context(), "nobody", nil, eddy.AttemptsUsedUp},
			{t.Context(), "nobody", &eddy.Policy{Deadline: time.Second}, eddy.DeadlinePassed},
			{t.Context(), "nobody", &eddy.Policy{Budget: retry.Budget{Ratio: 0.001, PerSecond: 0.001}}, eddy.BudgetExhausted},
			{t.Context(), "nobody", &eddy.Policy{Breaker: retry.Breaker{Failures: 1}}, eddy.BreakerOpen},
			{t.Context(), "n2", nil, eddy.ErrorNotRetried},
			{t.Context(), "", nil, eddy.NoReason},
			{cancelled, "nobody", nil, eddy.NoReason},
		} {
			_, _, err := n.RPCWithRetry(c.ctx, c.dest, do, c.policy)
			if call, ok := err.(*eddy.CallError); !ok || call.Reason() != c.want {
				t.Errorf("%v, want reason %v", err, c.want)
			}
		}
	})
}

// What a circuit breaker refuses was not sent, so it is definite. If it refuses a retry, the
// first attempt may have had an effect.
func TestBreakerRefusesDefinitely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net := eddytest.New(t)
		net.Start("n1", n)
		policy := &eddy.Policy{Breaker: retry.Breaker{Failures: 2, Open: time.Second}}
		for _, c := range []struct {
			want     string
			code     eddy.Code
			attempts int
			definite bool
			took     time.Duration
		}{
			{"RPC failed after 2 attempts: attempt refused by the circuit breaker", eddy.Timeout, 2, false, time.Second},
			{"RPC to nobody failed before it was sent: temporarily-unavailable; attempt refused by the circuit breaker", eddy.TemporarilyUnavailable, 0, true, 0},
		} {
			begun := time.Now()
			_, attempts, err := n.RPCWithRetry(t.Context(), "nobody", do, policy)
			call, ok := err.(*eddy.CallError)
			if !ok || err.Error() != c.want || !errors.Is(err, c.code) || attempts != c.attempts || len(call.Attempts()) != c.attempts ||
				call.Definite() != c.definite || time.Since(begun) != c.took {
				t.Errorf("%v after %v and %d attempts, %v; want %v", err, time.Since(begun), attempts, ok, c.want)
			}
		}
		nobody := net.Client("nobody") // is there at last
		nobody.Handle(func(m eddy.Message) { nobody.Reply(m, `{"type":"ok"}`) })
		time.Sleep(time.Second)
		for range 2 {
			if _, attempts, err := n.RPCWithRetry(t.Context(), "nobody", do, policy); err != nil || attempts != 1 {
				t.Errorf("%d attempts, %v", attempts, err)
			}
		}
	})
}

// RetryIf sees the body of a reply, and the code of an error reply. Another reply settles the
// call, or the last one that it would not take.
func TestRetryIf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		net := eddytest.New(t)
		net.Start("n1", n)
		replies := []string{`{"type":"ok","value":0}`, `{"type":"error","code":22}`, `{"type":"ok","value":0}`, `{"type":"ok","value":7}`}
		n2 := net.Client("n2")
		served := 0
		n2.Handle(func(m eddy.Message) { n2.Reply(m, replies[served%len(replies)]); served++ })
		policy := &eddy.Policy{Attempts: 4, RetryIf: func(body []byte, err error) bool {
			return errors.Is(err, eddy.PreconditionFailed) || bytes.Contains(body, []byte(`"value":0`))
		}}
		for _, want := range []string{"7 4 <nil>", "0 3 <nil>"} {
			reply, attempts, err := n.RPCWithRetry(t.Context(), "n2", do, policy)
			if got := fmt.Sprint(string(reply.Body.Get("value")), " ", attempts, " ", err); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			policy = &eddy.Policy{Attempts: 3, RetryIf: policy.RetryIf}
		}
	})
}

// The error of a call that the breaker has refused keeps nothing of its callback.
func TestErrorOfARefusedCallKeepsNoCallback(t *testing.T) {
	freed := make(chan bool, 1) // not within virtual time, as cleanups are not
	synctest.Test(t, func(t *testing.T) {
		s := &stage{node: &eddy.Node{}}
		s.start(false)
		defer s.clear()
		s.init()
		policy := &eddy.Policy{Attempts: 1, Breaker: retry.Breaker{Failures: 1}}
		s.node.RPCWithRetry(t.Context(), "n2", do, policy)
		kept := new([1 << 20]byte)
		runtime.AddCleanup(kept, func(freed chan bool) { freed <- true }, freed)
		err := s.node.Call(t.Context(), "n2", do, policy, func(eddy.Result) { kept[0]++ })
		if failed, ok := errors.AsType[*eddy.CallError](err); !ok || failed.Reason() != eddy.BreakerOpen {
			t.Fatal(err)
		}
		runtime.GC()
		<-freed // blocks forever if the error keeps it
		runtime.KeepAlive(err)
	})
}

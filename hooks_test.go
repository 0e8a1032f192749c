package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/retry"
	"github.com/eddyrpc/eddy/watch"
)

// ordered returns hooks that note in Data what they are told of a call: b for begins, s for
// sent, f for failed, l for late, v for veto. At its end they count the call.
func ordered(t *testing.T, ended *atomic.Int64) *watch.Hooks {
	note := func(c *watch.Call, what string) {
		if c.Data == "over" {
			t.Errorf("hooks are told %s after the end", what)
		}
		c.Data = c.Data.(string) + what
	}
	return &watch.Hooks{
		CallBegins: func(_ context.Context, c *watch.Call) { c.Data = "b" },
		Sent:       func(c *watch.Call, _ watch.Sent) { note(c, "s") },
		Failed:     func(c *watch.Call, _ watch.Failed) { note(c, "f") },
		Late:       func(c *watch.Call, _ watch.Late) { note(c, "l") },
		Veto: func(c *watch.Call, _ int) error {
			note(c, "v")
			if rand.IntN(5) == 0 {
				return errVeto
			}
			return nil
		},
		CallEnds: func(c *watch.Call, e watch.CallEnd) {
			story := c.Data.(string)
			if n := strings.Count(story, "s"); n == 0 && story == "b" && e.Attempts == nil {
				// its context ended before it began
			} else if n != len(e.Attempts) || !strings.HasPrefix(story, "bs") || strings.Count(story, "v") < n-1 {
				t.Errorf("%s before the end of a call with %d attempts", story, len(e.Attempts))
			}
			c.Data = "over"
			ended.Add(1)
		},
	}
}

// While replies come, timeouts pass and contexts end, hooks are told of each call in order.
func TestRaceOfHooks(t *testing.T) {
	t.Parallel()
	var ended, calls, returned atomic.Int64
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	n.Hooks = ordered(t, &ended)
	rounds := longtest.Or(3000, 200)
	const handlers = 4
	n.Handle("wait", func(ctx context.Context, req *eddy.Request) (any, error) {
		for range rounds {
			own, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Duration(rand.IntN(200))*time.Microsecond, cancel)
			dest := []string{"n2", "nobody"}[rand.IntN(2)]
			before := ended.Load()
			calls.Add(1)
			policy := &eddy.Policy{Attempts: 4, Timeout: 50 * time.Microsecond}
			if rand.IntN(2) == 0 {
				policy.Adaptive = nil
				policy.Hedge = 20 * time.Microsecond
			}
			_, attempts, _ := n.RPCWithRetry(own, dest, do, policy)
			if attempts == 0 {
				calls.Add(-1) // its context ended before it began
			} else if ended.Load() == before {
				t.Error("the call has returned, and no hook was told of an end")
			}
			cancel()
		}
		returned.Add(1)
		return eddy.Raw(`{}`), nil
	})
	p := &peer{n: n, requests: handlers, types: []string{"wait"}}
	p.run(t)
	if p.errors != 0 || ended.Load() < calls.Load() {
		t.Errorf("%d errors, %d calls, hooks were told of %d ends", p.errors, calls.Load(), ended.Load())
	}
}

// A call that a hook has vetoed has the hook's error and its own reason.
func TestVeto(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{node: &eddy.Node{}}
		s.node.Hooks = &watch.Hooks{Veto: func(*watch.Call, int) error { return errVeto }}
		s.start(false)
		defer s.clear()
		s.init()
		_, attempts, err := s.node.RPCWithRetry(t.Context(), "n2", do, nil)
		failed, ok := errors.AsType[*eddy.CallError](err)
		if !ok || attempts != 1 || !errors.Is(err, errVeto) || failed.Reason() != eddy.Vetoed || failed.Definite() {
			t.Errorf("%d attempts, %v", attempts, err)
		}
		if a := failed.Attempts(); len(a) != 1 || a[0].Err != eddy.Timeout {
			t.Errorf("%+v", a)
		}
	})
}

// A reply that comes while a hook decides on a veto settles the call.
func TestReplyDuringVeto(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{node: &eddy.Node{}}
		s.node.Hooks = &watch.Hooks{Veto: func(*watch.Call, int) error {
			s.pipe.arrive([]byte(`{"src":"n2","dest":"n1","body":{"type":"do_ok","in_reply_to":1}}` + "\n"))
			time.Sleep(time.Millisecond)
			return errVeto
		}}
		s.start(false)
		defer s.clear()
		s.init()
		if reply, attempts, err := s.node.RPCWithRetry(t.Context(), "n2", do, nil); err != nil || attempts != 1 || reply.Type() != "do_ok" {
			t.Errorf("%s, %d attempts, %v", reply.Body, attempts, err)
		}
	})
}

// A veto may be any error, also one that a deadline would cause.
func TestVetoWithAnErrorOfADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{node: &eddy.Node{}}
		s.node.Hooks = &watch.Hooks{Veto: func(*watch.Call, int) error { return fmt.Errorf("veto: %w", context.DeadlineExceeded) }}
		s.start(false)
		defer s.clear()
		s.init()
		_, _, err := s.node.RPCWithRetry(t.Context(), "n2", do, &eddy.Policy{Deadline: time.Minute})
		if failed, ok := errors.AsType[*eddy.CallError](err); !ok || failed.Reason() != eddy.Vetoed || !strings.Contains(err.Error(), "veto") {
			t.Errorf("%v, reason %v", err, failed.Reason())
		}
	})
}

// Hooks are told of calls that cannot begin, also on a node that does not run yet, and if they
// panic then.
func TestHooksOfCallsThatCannotBegin(t *testing.T) {
	var told []string
	n := &eddy.Node{Hooks: &watch.Hooks{
		CallBegins: func(_ context.Context, c *watch.Call) { told = append(told, c.Type+" to "+c.Dest) },
		CallEnds: func(_ *watch.Call, e watch.CallEnd) {
			told = append(told, fmt.Sprintf("%v, definite %t, %d attempts", e.Err, e.Definite, len(e.Attempts)))
			panic("oh")
		},
	}}
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	ended, end := context.WithCancel(t.Context())
	end()
	for _, ctx := range []context.Context{t.Context(), ended} {
		n.RPCWithRetry(ctx, "n2", do, nil)
		n.Call(ctx, "n3", do, nil, func(eddy.Result) {})
	}
	not := "failed before it was sent: the node has not been initialised (temporarily-unavailable), definite true, 0 attempts"
	over := "failed before it was sent: context canceled, definite true, 0 attempts"
	want := []string{"do to n2", "RPC to n2 " + not, "do to n3", "RPC to n3 " + not, "do to n2", "RPC to n2 " + over, "do to n3", "RPC to n3 " + over}
	if !slices.Equal(told, want) {
		t.Errorf("hooks were told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

// An error that the user keeps does not keep what hooks keep with its call.
func TestErrorKeepsNothingOfHooks(t *testing.T) {
	for name, test := range map[string]struct {
		policy *eddy.Policy
		reason eddy.Reason
	}{
		"attempts": {&eddy.Policy{Attempts: 2}, eddy.AttemptsUsedUp},
		"breaker":  {&eddy.Policy{Attempts: 1, Breaker: retry.Breaker{Failures: 1}}, eddy.BreakerOpen},
	} {
		t.Run(name, func(t *testing.T) {
			freed := make(chan bool, 2) // not within virtual time, as cleanups are not
			synctest.Test(t, func(t *testing.T) {
				s := &stage{node: &eddy.Node{}}
				s.node.Hooks = &watch.Hooks{CallBegins: func(_ context.Context, c *watch.Call) {
					kept := new([1 << 20]byte)
					c.Data = kept
					runtime.AddCleanup(kept, func(freed chan bool) { freed <- true }, freed)
				}}
				s.start(false)
				defer s.clear()
				s.init()
				s.node.RPCWithRetry(t.Context(), "n2", do, test.policy)
				_, _, err := s.node.RPCWithRetry(t.Context(), "n2", do, test.policy)
				if failed, ok := errors.AsType[*eddy.CallError](err); !ok || failed.Reason() != test.reason {
					t.Fatal(err)
				}
				for range 2 {
					runtime.GC()
					<-freed // blocks forever if the error keeps it
				}
				runtime.KeepAlive(err)
			})
		})
	}
}

// A hook that is told of the end of a request does not count as an open request.
func TestEndsOfRequestsAreNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{node: &eddy.Node{MaxOpen: 2}}
		s.node.Hooks = &watch.Hooks{RequestEnds: func(r *watch.Request, _ watch.RequestEnd) {
			if r.Type != "init" { // its hook runs where the node reads
				time.Sleep(time.Second)
			}
		}}
		s.start(false)
		defer s.clear()
		s.init()
		for id, ms := range []int{0, 10_000, 0} {
			s.pipe.arrive(fmt.Appendf(nil, `{"src":"c1","dest":"n1","body":{"type":"slow","msg_id":%d,"ms":%d}}`+"\n", id, ms))
			synctest.Wait()
			time.Sleep(2 * time.Second * time.Duration(id)) // the hook still runs when the second one comes
		}
		if text := s.show(false); strings.Contains(text, "error") {
			t.Errorf("a request was refused: %s", text)
		}
	})
}

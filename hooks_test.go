package eddy_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/watch"
)

// ordered returns hooks that note in Data what they are told of a call: b for begins, s for
// sent, f for failed, l for late, v for veto. At its end they count the call.
func ordered(t *testing.T, ended *atomic.Int64) *watch.Hooks {
	note := func(c *watch.Call, what string) { c.Data = c.Data.(string) + what }
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

package eddy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/retry"
)

// A badNetwork is a network with faults, and the calls that go over it.
type badNetwork struct {
	seed            uint64
	calls           int
	lose, duplicate float64 // of the messages
	delay           time.Duration
	slow            time.Duration // how long the callee may take
	busy            float64       // how often it replies with temporarily-unavailable
	policy          eddy.Policy
	dedup           eddy.Dedup
}

func drawBadNetwork(t *rapid.T) *badNetwork {
	ms := func(name string, least, most int) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(t, name)) * time.Millisecond
	}
	b := &badNetwork{
		seed:      rapid.Uint64().Draw(t, "seed"),
		calls:     rapid.IntRange(1, 8).Draw(t, "calls"),
		lose:      rapid.Float64Range(0, 0.6).Draw(t, "lose"),
		duplicate: rapid.Float64Range(0, 0.6).Draw(t, "duplicate"),
		delay:     ms("delay", 0, 200),
		slow:      ms("slow", 0, 100),
		busy:      rapid.Float64Range(0, 0.5).Draw(t, "busy"),
		policy: eddy.Policy{
			Attempts: rapid.IntRange(1, 6).Draw(t, "attempts"),
			Timeout:  ms("timeout", 5, 150),
			RetryOn:  []int{11},
			Backoff:  retry.Backoff{Kind: retry.Constant, Base: ms("pause", 1, 50)},
		},
	}
	if rapid.Bool().Draw(t, "small table") {
		b.dedup.MaxReplies = rapid.IntRange(1, 4).Draw(t, "replies")
	}
	if rapid.Bool().Draw(t, "hedge") {
		b.policy.Hedge = min(5*time.Millisecond, b.policy.Timeout)
	}
	return b
}

// effects makes the calls, with call ids or without, and returns how many effects each
// had, and what was wrong with its reply.
func (b *badNetwork) effects(t *testing.T, callID bool) (counts []int, wrong []string) {
	policy := b.policy
	policy.CallID = callID
	counts, wrong = make([]int, b.calls), make([]string, b.calls)
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(b.seed, 0))
		quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
		var mu sync.Mutex
		chance := func(p float64) bool { return random.Float64() < p }
		upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d) + 1)) }

		callee := &eddy.Node{Log: quiet}
		callee.Handle("add", b.dedup.Handler(func(_ context.Context, req *eddy.Request) (any, error) {
			op, _ := req.Body.Get("op").Int()
			mu.Lock()
			busy, slow := chance(b.busy), upTo(b.slow)
			if !busy {
				counts[op]++
			}
			mu.Unlock()
			if busy {
				return nil, eddy.TemporarilyUnavailable
			}
			time.Sleep(slow)
			return map[string]any{"op": op}, nil
		}))
		caller := &eddy.Node{Log: quiet}

		net := eddytest.New(t, "n1", "n2")
		net.Start("n1", caller)
		net.Start("n2", callee)
		net.Script(func(eddy.Message) eddytest.Fate {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case chance(b.lose):
				return eddytest.Lost
			case chance(b.duplicate):
				return eddytest.Fate{upTo(b.delay), upTo(2 * b.delay)}
			}
			return eddytest.Fate{upTo(b.delay)}
		})
		var all sync.WaitGroup
		for op := range b.calls {
			all.Go(func() {
				time.Sleep(time.Duration(op) * time.Millisecond)
				body := eddy.Raw(fmt.Sprintf(`{"type":"add","op":%d}`, op))
				reply, _, err := caller.RPCWithRetry(context.Background(), "n2", body, &policy)
				if got, _ := reply.Body.Get("op").Int(); err == nil && got != int64(op) {
					wrong[op] = fmt.Sprintf("call %d got the reply %s", op, reply.Body)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute) // until the last messages have arrived
	})
	return counts, wrong
}

// On a network that loses, duplicates and reorders, a call with a call id has at most one
// effect on a callee with Dedup, whatever its policy. Without call ids some calls have
// more, so that the test would find them.
func TestDedupHasOneEffect(t *testing.T) {
	t.Parallel()
	networks, more := 0, 0
	for range longtest.Or(30, 1) { // of 100 each
		rapid.Check(t, func(rt *rapid.T) {
			b := drawBadNetwork(rt)
			counts, wrong := b.effects(t, true)
			for op, count := range counts {
				if count > 1 {
					rt.Errorf("call %d had %d effects", op, count)
				}
				if wrong[op] != "" {
					rt.Errorf("%s", wrong[op])
				}
			}
			counts, _ = b.effects(t, false)
			networks++
			for _, count := range counts {
				if count > 1 {
					more++
				}
			}
		})
	}
	if more < longtest.Or(100, 10) {
		t.Errorf("only %d calls without a call id on %d networks had more than one effect: the networks are not bad enough", more, networks)
	}
	t.Logf("%d networks; %d calls without a call id had more than one effect", networks, more)
}

// The table keeps within its bounds for any callers, by call id or by msg_id.
func TestDedupIsBounded(t *testing.T) {
	for name, call := range map[string]func(n int) string{
		"call ids": func(n int) string { return fmt.Sprintf(`{"type":"pad","call":"incarnation-%d/%d"}`, n/3, n%3) },
		"msg_ids":  func(int) string { return `{"type":"pad"}` },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dedup := eddy.Dedup{MaxReplies: 50, MaxBytes: 100_000, ByMsgID: true, Window: time.Minute}
				callee := &eddy.Node{}
				callee.HandleInline("pad", dedup.Handler(func(_ context.Context, req *eddy.Request) (any, error) {
					return eddy.Raw(fmt.Sprintf(`{"pad":"%01000d"}`, 7)), nil
				}))
				net := eddytest.New(t, "n1")
				net.Start("n1", callee)
				for i := range 1000 {
					c := net.Client(fmt.Sprint("c", i))
					for j := range 3 {
						c.Call("n1", call(3*i+j))
						time.Sleep(time.Second)
					}
					if replies, bytes := dedup.Size(); replies > 50 || bytes > 100_000 {
						t.Fatalf("%d replies, %d bytes after %d callers", replies, bytes, i+1)
					}
				}
				if replies, bytes := dedup.Size(); replies == 0 || bytes < 50_000 {
					t.Errorf("%d replies, %d bytes: the room is not used", replies, bytes)
				}
			})
		})
	}
}

// A call is not served again, however many calls of other callers come in between. When the
// window is over, the callers that were heard of in it make room for others.
func TestDedupServesNoCallAgainWithinTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dedup eddy.Dedup
		effects := map[string]int{}
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.HandleInline("add", dedup.Handler(func(_ context.Context, req *eddy.Request) (any, error) {
			call, _ := req.Body.Get("call").Text()
			effects[call]++
			return eddy.Raw(`{}`), nil
		}))
		p := newPipe()
		served := make(chan error, 1)
		go func() { served <- n.Serve(t.Context(), p) }()
		p.arrive([]byte(initLine))
		const add = `{"src":"c1","dest":"n1","body":{"type":"add","msg_id":1,"call":"%s"}}` + "\n"
		first := fmt.Appendf(nil, add, "first/1")
		p.arrive(first)
		refused := 0
		for round := range 3 {
			for i := range 50_000 {
				p.arrive(fmt.Appendf(nil, add, fmt.Sprintf("other-%d-%d/1", round, i)))
			}
			p.arrive(first)
			synctest.Wait()
			if effects["first/1"] != 1 {
				t.Fatalf("a call was served %d times", effects["first/1"])
			}
			refused = 0
			p.lines(func(_ time.Duration, line string) {
				if strings.Contains(line, `"code":11,"text":"too many callers"`) {
					refused++
				}
			})
			if served := 50_000 - refused; served < 20_000 || served > 30_000 {
				t.Errorf("in round %d the calls of %d of 50,000 new callers were served", round, served)
			}
			time.Sleep(9 * time.Minute)
			p.arrive(first)
			time.Sleep(time.Minute)
		}
		p.eof()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// Two Dedups around one handler both learn the reply.
func TestDedupAroundDedup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inner, outer eddy.Dedup
		effects := 0
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		n.Handle("add", outer.Handler(inner.Handler(func(context.Context, *eddy.Request) (any, error) {
			effects++
			return eddy.Raw(`{}`), nil
		})))
		net := eddytest.New(t)
		net.Start("n1", n)
		c := net.Client("c1")
		for range 3 {
			if m := c.Call("n1", `{"type":"add","call":"a/1"}`); m.Type() != "add_ok" || effects != 1 {
				t.Errorf("the reply is %s after %d effects", m.Body, effects)
			}
		}
	})
}

// A Dedup around itself, or inside a handler that has replied already, leaves no request without
// a reply.
func TestDedupThatComesAgain(t *testing.T) {
	var d, after eddy.Dedup
	for name, test := range map[string]struct {
		handler eddy.Handler
		replies []string // to the request and the two that come again
	}{
		"around itself": {d.Handler(d.Handler(ok)), []string{"add_ok", "add_ok", "add_ok"}},
		"after the reply": {func(ctx context.Context, req *eddy.Request) (any, error) {
			req.Reply(eddy.Raw(`{"type":"early"}`))
			return after.Handler(ok)(ctx, req)
		}, []string{"early", "early", "early"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
				n.Handle("add", test.handler)
				net := eddytest.New(t)
				net.Start("n1", n)
				c := net.Client("c1")
				for _, want := range test.replies {
					id := c.Request("n1", `{"type":"add","call":"a/1"}`)
					time.Sleep(10 * time.Second)
					if _, requests := openNow(n); requests != 0 {
						t.Fatalf("%d requests are open", requests)
					}
					if m := c.Await(id); m.Type() != want {
						t.Errorf("the reply is %s, want type %s", m.Body, want)
					}
				}
			})
		})
	}
}

// A request that is over gets no second reply, also if it then meets a Dedup that serves its call.
func TestDedupOfARequestThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		var d eddy.Dedup
		n.Handle("slow", d.Handler(func(context.Context, *eddy.Request) (any, error) {
			time.Sleep(2 * time.Second)
			return eddy.Raw(`{}`), nil
		}))
		n.Handle("over", func(ctx context.Context, req *eddy.Request) (any, error) {
			time.AfterFunc(time.Second, func() { d.Handler(ok)(ctx, req) })
			time.AfterFunc(3*time.Second, func() {
				if err := req.Reply(eddy.Raw(`{}`)); err == nil {
					t.Error("a second reply is sent")
				}
			})
			return eddy.Raw(`{}`), nil
		})
		net := eddytest.New(t)
		net.Start("n1", n)
		c := net.Client("c1")
		c.Request("n1", `{"type":"slow","call":"a/1"}`)
		c.Request("n1", `{"type":"over","call":"a/1"}`)
		time.Sleep(10 * time.Second)
		if _, requests := openNow(n); requests != 0 {
			t.Errorf("%d requests are open", requests)
		}
	})
}

// Dedup keeps the reply however the handler replies or fails to, with deadlines too, and
// leaves no request open.
func TestDedupOfAllReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		var dedup eddy.Dedup
		var mu sync.Mutex
		effects := map[string]int{}
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
		handlers := map[string]eddy.Handler{
			"returns": func(context.Context, *eddy.Request) (any, error) { return map[string]any{}, nil },
			"replies": func(_ context.Context, req *eddy.Request) (any, error) { return nil, req.Reply(map[string]any{}) },
			"fails":   func(context.Context, *eddy.Request) (any, error) { return nil, eddy.PreconditionFailed },
			"panics":  func(context.Context, *eddy.Request) (any, error) { panic("no") },
			"forgets": func(context.Context, *eddy.Request) (any, error) { return nil, nil },
			"later": func(ctx context.Context, req *eddy.Request) (any, error) {
				return eddy.Later, req.Call(ctx, "n2", eddy.Raw(`{"type":"x"}`), &eddy.Policy{Attempts: 1}, func(r eddy.Result) { req.Fail(r.Err) })
			},
			"waits": func(ctx context.Context, _ *eddy.Request) (any, error) {
				reply, _, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"x"}`), nil)
				return reply.Body, err
			},
		}
		var types []string
		for name, h := range handlers {
			counted := func(ctx context.Context, req *eddy.Request) (any, error) {
				mu.Lock()
				effects[req.Type()]++
				mu.Unlock()
				return h(ctx, req)
			}
			types = append(types, name, name+"-inline")
			n.Handle(name, dedup.Handler(counted))
			n.HandleInline(name+"-inline", dedup.Handler(counted))
		}
		net.Start("n1", n)
		client := net.Client("c1")
		duplicates := int64(0)
		for number, typ := range types {
			for _, deadline := range []string{"", `,"deadline_ms":60000,"retry":false`, `,"deadline_ms":60000,"retry":true`} {
				var ids []int64
				for range 3 {
					ids = append(ids, client.Request("n1", fmt.Sprintf(`{"type":%q,"call":"incarnation/%d"%s}`, typ, number, deadline)))
				}
				for _, id := range ids {
					client.Await(id)
				}
			}
			if duplicates += 8; effects[typ] != 1 || dedup.Duplicates() != duplicates {
				t.Errorf("%s had %d effects and %d duplicates", typ, effects[typ], dedup.Duplicates()-duplicates+8)
			}
		}
		synctest.Wait()
		if calls, requests := openNow(n); calls+requests != 0 {
			t.Errorf("%d calls and %d requests are open", calls, requests)
		}
	})
}

// With ByMsgID a request is the same as an earlier one if src, msg_id and body are equal.
func TestDedupByMsgID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dedup := eddy.Dedup{ByMsgID: true}
		effects := 0
		s := &stage{node: &eddy.Node{}}
		s.node.HandleInline("once", dedup.Handler(func(context.Context, *eddy.Request) (any, error) {
			effects++
			return map[string]any{"effects": effects}, nil
		}))
		s.start(false)
		s.init()
		defer s.clear()
		for _, step := range []struct {
			src, body           string
			effects, duplicates int
		}{
			{"c1", `{"type":"once","msg_id":1}`, 1, 0},
			{"c1", `{"type":"once","msg_id":1}`, 1, 1},
			{"c1", `{"type":"once","msg_id":2}`, 2, 1},
			{"c2", `{"type":"once","msg_id":1}`, 3, 1},
			{"c2", `{"type":"once","msg_id":1}`, 3, 2},
			{"c1", `{"type":"once","msg_id":1,"x":1}`, 4, 2}, // c1 began anew
			{"c1", `{"type":"once","msg_id":1,"x":1}`, 4, 3},
			{"c1", `{"type":"once","msg_id":2}`, 4, 4},
			{"c1", `{"type":"once","msg_id":3,"call":"a/1"}`, 5, 4},
			{"c1", `{"type":"once","msg_id":4,"call":"a/1"}`, 5, 5},
			{"c1", `{"type":"once"}`, 6, 5}, // one-way
			{"c1", `{"type":"once"}`, 7, 5},
		} {
			s.pipe.arrive(fmt.Appendf(nil, `{"src":%q,"dest":"n1","body":%s}`+"\n", step.src, step.body))
			out := s.show(false)
			if got := dedup.Duplicates(); effects != step.effects || got != int64(step.duplicates) {
				t.Errorf("after %s of %s: %d effects and %d duplicates, want %d and %d; the node wrote %s", step.body, step.src, effects, got, step.effects, step.duplicates, out)
			}
		}
	})
}

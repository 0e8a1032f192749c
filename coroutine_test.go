package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// What handlers do that wait for calls, after their type is known to: then they run
// on coroutines.

// A stage is a node n1 with a type of requests, "ask", and a client.
type callStage struct {
	t      *testing.T
	net    *eddytest.Net
	n      *eddy.Node
	client *eddytest.Client
}

// inVirtualTime runs a test on a stage. n2 answers ask's calls with what they carry.
func inVirtualTime(t *testing.T, ask func(s *callStage, ctx context.Context, req *eddy.Request) (any, error), test func(s *callStage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { onStage(t, new(eddy.Node), ask, test) })
}

// onStage is inVirtualTime for a node that has other handlers too.
func onStage(t *testing.T, n *eddy.Node, ask func(s *callStage, ctx context.Context, req *eddy.Request) (any, error), test func(s *callStage)) {
	t.Helper()
	n.Log = slog.New(slog.DiscardHandler)
	s := &callStage{t: t, net: eddytest.New(t), n: n}
	n.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) { return ask(s, ctx, req) })
	s.net.Start("n1", n)
	s.client = s.net.Client("c1")
	n2 := s.net.Client("n2")
	n2.Handle(func(m eddy.Message) { n2.Reply(m, fmt.Sprintf(`{"type":"read_ok","key":%s}`, m.Body.Get("key"))) })
	test(s)
	synctest.Wait()
	if calls, requests := n.OpenCalls(); calls+requests != 0 {
		t.Errorf("%d calls and %d requests are left open", calls, requests)
	}
}

// read calls n2 with a key, and wants it back after one attempt.
func (s *callStage) read(ctx context.Context, key string) error {
	reply, attempts, err := s.n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"read","key":"`+key+`"}`), nil)
	got, _ := reply.Body.Get("key").Text()
	if err == nil && (got != key || attempts != 1) {
		return fmt.Errorf("the call with %s ended with %s after %d attempts", key, reply.Body, attempts)
	}
	return err
}

// ask sends so many requests and waits for their answers.
func (s *callStage) ask(count int) {
	s.t.Helper()
	asked := make([]int64, count)
	for i := range asked {
		asked[i] = s.client.Request("n1", map[string]any{"type": "ask", "i": i})
	}
	for i, id := range asked {
		if m := s.client.Await(id); m.Type != "ask_ok" {
			s.t.Errorf("request %d got %s", i, m.Body)
		}
	}
}

func key(req *eddy.Request) string { return req.Body.Get("i").String() }

// More handlers wait than coroutines are kept, again and again, so that these end and
// their goroutines become others, which call too.
func TestManyWaitingHandlers(t *testing.T) {
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		for i := range 3 {
			if err := s.read(ctx, fmt.Sprint(key(req), ".", i)); err != nil {
				return nil, err
			}
		}
		return map[string]any{}, nil
	}
	before := goroutines()
	inVirtualTime(t, ask, func(s *callStage) {
		s.net.Delay("n1", "n2", 100*time.Millisecond)
		for _, count := range []int{1, 3000, 1, 10, 3000, 1, 1500, 1} {
			s.ask(count)
			var others sync.WaitGroup
			for i := range 20 {
				others.Go(func() {
					if err := s.read(context.Background(), fmt.Sprint("other", i)); err != nil {
						t.Error(err)
					}
				})
			}
			others.Wait()
		}
		for range 3 { // what has not been needed for a while, goes
			s.ask(10)
		}
		synctest.Wait()
		if count := goroutinesOver(before + 100); count > 0 {
			t.Errorf("%d goroutines are left, there were %d", count, before)
		}
		if st := s.n.Stats(); st.Retries+st.Failures+st.Strays > 0 {
			t.Errorf("%+v", st)
		}
	})
}

// Handlers share their ctx with goroutines that call too, wait for these, and call
// themselves before, meanwhile and after. All calls end, and at their time.
func TestCallsFromTheHandlersGoroutines(t *testing.T) {
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		var errs [6]error
		errs[0] = s.read(ctx, key(req)+"a")
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() { errs[i+1] = s.read(ctx, fmt.Sprint(key(req), "b", i)) })
		}
		errs[4] = s.read(ctx, key(req)+"c")
		wg.Wait()
		wg.Go(func() { errs[5] = s.read(ctx, key(req)+"d") })
		wg.Wait()
		return map[string]any{}, errors.Join(errs[:]...)
	}
	inVirtualTime(t, ask, func(s *callStage) {
		s.net.Delay("n1", "n2", 100*time.Millisecond)
		s.ask(1)
		start := time.Now()
		s.ask(200)
		if took := time.Since(start); took != 300*time.Millisecond {
			t.Errorf("three calls of 100 ms, one after the other, took %v", took)
		}
	})
}

// A handler's ctx is used by another handler, while its own waits and after its end.
func TestCallsWithAnothersContext(t *testing.T) {
	var lent atomic.Pointer[context.Context]
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		other := lent.Swap(&ctx)
		err := s.read(ctx, key(req))
		if other != nil {
			err = errors.Join(err, s.read(*other, key(req)+"x"), s.read(ctx, key(req)+"y"))
		}
		return map[string]any{}, err
	}
	inVirtualTime(t, ask, func(s *callStage) {
		for _, count := range []int{1, 1, 500, 1} {
			s.ask(count)
		}
	})
}

// A ctx that may end earlier ends its call alone.
func TestCallsThatEndWithTheirContext(t *testing.T) {
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if err := s.read(soon, "soon"); !errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("the call ended with %w", err)
		}
		return map[string]any{}, s.read(ctx, key(req))
	}
	inVirtualTime(t, ask, func(s *callStage) {
		s.net.Delay("n1", "n2", 100*time.Millisecond)
		s.ask(1)
		start := time.Now()
		s.ask(200)
		if took := time.Since(start); took != 150*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// What ends a handler otherwise, after a call or without, is answered with 13, and
// the others go on.
func TestHandlersThatBreak(t *testing.T) {
	for name, breaks := range map[string]func(){
		"panic":  func() { panic("on purpose") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
				i, _ := req.Body.Get("i").Int()
				if i%5 == 1 {
					breaks()
				}
				err := s.read(ctx, key(req))
				if i%5 == 2 {
					breaks()
				}
				return map[string]any{}, err
			}
			inVirtualTime(t, ask, func(s *callStage) {
				s.ask(1)
				for range 20 {
					asked := make([]int64, 10)
					for i := range asked {
						asked[i] = s.client.Request("n1", map[string]any{"type": "ask", "i": i})
					}
					for i, id := range asked {
						m := s.client.Await(id)
						code, _ := m.Body.Get("code").Int()
						if broken := i%5 == 1 || i%5 == 2; broken != (code == 13) || broken == (m.Type == "ask_ok") {
							t.Fatalf("request %d got %s", i, m.Body)
						}
					}
				}
				s.client.Await(s.client.Request("n1", `{"type":"ask","i":2}`))
				time.Sleep(100 * time.Millisecond)
				if s.n.Watching() {
					t.Error("no handler runs, but one is watched")
				}
			})
		})
	}
}

// A reply that can't be encoded panics where the handler no longer is.
type unspeakable struct{}

func (unspeakable) MarshalJSON() ([]byte, error) { panic("on purpose") }

func TestReplyThatPanics(t *testing.T) {
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		err := s.read(ctx, key(req))
		if key(req) == "7" {
			return unspeakable{}, nil
		}
		return map[string]any{}, err
	}
	inVirtualTime(t, ask, func(s *callStage) {
		s.ask(1)
		id := s.client.Request("n1", `{"type":"ask","i":7}`)
		if code, _ := s.client.Await(id).Body.Get("code").Int(); code != 13 {
			t.Errorf("a reply that panics is answered with %d, want 13", code)
		}
		s.ask(5)
	})
}

// A call's body that breaks what encodes it breaks its handler, not the node.
type breaking struct{ by func() }

func (b breaking) MarshalJSON() ([]byte, error) { b.by(); return nil, nil }

func TestBodyThatBreaks(t *testing.T) {
	for name, breaks := range map[string]func(){
		"panic":  func() { panic("on purpose") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
				err := s.read(ctx, key(req))
				if key(req) == "7" {
					s.n.RPC(ctx, "n2", map[string]any{"type": "read", "key": breaking{breaks}})
				}
				return map[string]any{}, errors.Join(err, s.read(ctx, key(req)))
			}
			inVirtualTime(t, ask, func(s *callStage) {
				s.ask(3)
				for range 3 {
					id := s.client.Request("n1", `{"type":"ask","i":7}`)
					if code, _ := s.client.Await(id).Body.Get("code").Int(); code != 13 {
						t.Errorf("it is answered with %d, want 13", code)
					}
					s.ask(3)
				}
			})
		})
	}
}

// A handler can recover from it, and go on.
func TestBodyThatPanicsIsRecovered(t *testing.T) {
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		err := s.read(ctx, key(req))
		func() {
			defer func() {
				if p := recover(); p != "on purpose" {
					err = fmt.Errorf("recovered %v", p)
				}
			}()
			s.n.RPC(ctx, "n2", map[string]any{"type": "read", "key": breaking{func() { panic("on purpose") }}})
		}()
		return map[string]any{}, errors.Join(err, s.read(ctx, key(req)))
	}
	inVirtualTime(t, ask, func(s *callStage) { s.ask(10) })
}

// Handlers that sleep after their calls hold up the others no longer than those that
// sleep before.
func TestHandlersThatSleepAfterCalls(t *testing.T) {
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		err := s.read(ctx, key(req))
		time.Sleep(time.Second)
		return map[string]any{}, errors.Join(err, s.read(ctx, key(req)+"again"))
	}
	inVirtualTime(t, ask, func(s *callStage) {
		s.ask(1)
		start := time.Now()
		s.ask(200)
		if took := time.Since(start); took > 1100*time.Millisecond {
			t.Errorf("200 handlers that sleep for 1 s took %v", took)
		}
	})
}

// A type that stalls no more is trusted again, though it waits for calls.
func TestTrustOfWaitingHandlers(t *testing.T) {
	slow := true
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		err := s.read(ctx, key(req))
		if slow {
			time.Sleep(50 * time.Millisecond)
		}
		return map[string]any{}, err
	}
	inVirtualTime(t, ask, func(s *callStage) {
		for range 10 {
			s.ask(1)
		}
		if !s.n.Distrusts("ask") {
			t.Error("a type that sleeps for 50 ms each time is not distrusted")
		}
		s.ask(1000) // now it is tried again
		s.ask(10)
		if !s.n.Distrusts("ask") {
			t.Error("a type that still sleeps is not distrusted")
		}
		slow = false
		s.ask(1001)
		if s.n.Distrusts("ask") {
			t.Error("a type that was quick a thousand times is distrusted")
		}
	})
}

// Calls that meet silence, or that can't begin, end for handlers that wait as for all
// others; and the end of the node ends what waits.
func TestWaitingInVain(t *testing.T) {
	var failed atomic.Int64
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		err := s.read(ctx, "first")
		if err != nil {
			return nil, err
		}
		_, attempts, err := s.n.RPCWithRetry(ctx, "nobody", eddy.Raw(`{"type":"read"}`), nil)
		if !errors.Is(err, eddy.Timeout) || attempts != 3 {
			return nil, fmt.Errorf("%d attempts, %w", attempts, err)
		}
		if _, attempts, err = s.n.RPCWithRetry(ctx, "n2", eddy.Raw(`{`), nil); err == nil || attempts != 0 {
			return nil, fmt.Errorf("a body that is not JSON: %d attempts, %w", attempts, err)
		}
		failed.Add(1)
		return map[string]any{}, s.read(ctx, "last")
	}
	inVirtualTime(t, ask, func(s *callStage) {
		s.ask(1)
		start := time.Now()
		s.ask(500)
		if took := time.Since(start); took != 1500*time.Millisecond || failed.Load() != 501 {
			t.Errorf("%d calls met three silences in %v", failed.Load(), took)
		}
		for range 100 {
			s.client.Request("n1", `{"type":"ask","i":0}`)
		}
		synctest.Wait()
		s.net.Stop("n1") // drains: all of them end
		if failed.Load() != 601 {
			t.Errorf("%d handlers ended, want 601", failed.Load())
		}
	})
}

// Answers leave in the order in which the replies that they wait for have come.
func TestWaitingHandlersAnswerInOrder(t *testing.T) {
	if !eddy.HasCoroutines() {
		t.Skip("goroutines, which take their place here, come in no order")
	}
	ask := func(s *callStage, ctx context.Context, req *eddy.Request) (any, error) {
		return map[string]any{"i": req.Body.Get("i")}, s.read(ctx, key(req))
	}
	inVirtualTime(t, ask, func(s *callStage) {
		s.ask(1)
		s.net.Delay("n1", "n2", time.Millisecond) // so that all requests come before the first reply
		before := len(s.net.Journal())
		s.ask(1000)
		next := 0
		for _, e := range s.net.Journal()[before:] {
			if e.Message.Type != "ask_ok" {
				continue
			}
			if i, _ := e.Message.Body.Get("i").Int(); int(i) != next {
				t.Fatalf("answer %d is to request %d", next, i)
			}
			next++
		}
	})
}

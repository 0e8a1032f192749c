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
)

// These tests are about mistakes of a program that a node survives. The mistakes of handlers
// are in the transcripts.

// mistaken sends lines to a node and returns what it has written until its end.
func mistaken(t *testing.T, n *eddy.Node, lines ...string) string {
	s := &stage{node: n}
	s.start(false)
	s.init()
	var out strings.Builder
	for _, line := range lines {
		s.pipe.arrive([]byte(line + "\n"))
		out.WriteString(s.show(false))
	}
	time.Sleep(time.Minute)
	s.pipe.eof()
	out.WriteString(s.show(false))
	<-s.over
	return out.String()
}

func TestOnInitThatFails(t *testing.T) {
	for name, fail := range map[string]func(){
		"panics": func() { panic("no such luck") },
		"exits":  runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, tries := new(eddy.Node), 0
				n.OnInit(func(context.Context) error {
					if tries++; tries == 1 {
						fail()
					}
					return nil
				})
				out := mistaken(t, n,
					`{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":2}}`,
					`{"src":"c0","dest":"n1","body":{"type":"init","msg_id":3,"node_id":"n1","node_ids":["n1","n2"]}}`,
					`{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":4}}`)
				for _, want := range []string{
					`"code":11,"text":"the node has not been initialised","in_reply_to":2`, `"init_ok","in_reply_to":3`, `"echo_ok","in_reply_to":4`, "the node has ended",
				} {
					if !strings.Contains(out, want) {
						t.Errorf("%s lacks %s", out, want)
					}
				}
			})
		})
	}
}

// An init that comes while the request of the one before is still open, and is refused since no
// more requests may be open, does not keep the node from beginning.
func TestInitThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logging := make(chan bool)
		n := &eddy.Node{MaxOpen: 1, Log: slog.New(slog.NewTextHandler(writerFunc(func([]byte) { <-logging }), nil))}
		tries := 0
		n.OnInit(func(context.Context) error {
			if tries++; tries == 1 {
				panic("no such luck")
			}
			return nil
		})
		p := newPipe()
		served := make(chan error, 1)
		go func() { served <- n.Serve(t.Context(), p) }()
		var out strings.Builder
		for i := range 3 {
			p.arrive([]byte(strings.Replace(initLine, `"msg_id":0`, fmt.Sprintf(`"msg_id":%d`, i), 1)))
			synctest.Wait()
			if i == 1 {
				close(logging) // the panic
				synctest.Wait()
			}
		}
		p.lines(func(_ time.Duration, line string) { out.WriteString(line + "\n") })
		for _, want := range []string{`"code":13`, `"code":11`, `"init_ok","in_reply_to":2`} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s lacks %s", out.String(), want)
			}
		}
		p.eof()
		<-served
	})
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

// A callback calls again whenever its call has failed: while the bound of open calls is
// reached, and at the end of the node.
func TestCallbackThatNeverGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{MaxOpen: 2, Drain: time.Second}
		var refused, failed atomic.Int64
		n.HandleInline("stubborn", func(ctx context.Context, req *eddy.Request) (any, error) {
			var call func()
			call = func() {
				for range 3 {
					err := req.Call(ctx, "n2", eddy.Raw(`{"type":"read"}`), &eddy.Policy{Attempts: 1, Timeout: time.Millisecond}, func(r eddy.Result) {
						failed.Add(1)
						call()
					})
					if err != nil {
						refused.Add(1)
					}
				}
			}
			call()
			return eddy.Later, nil
		})
		s := &stage{node: n}
		s.start(false)
		s.init()
		s.pipe.arrive([]byte(requestLine("stubborn", 1)))
		time.Sleep(time.Second)
		s.pipe.eof()
		<-s.over
		synctest.Wait() // for a callback that still runs
		if refused.Load() < 1000 || failed.Load() < 1000 {
			t.Errorf("%d calls were refused and %d failed", refused.Load(), failed.Load())
		}
		if calls, requests := openNow(n); calls+requests != 0 {
			t.Errorf("%d calls and %d requests are open", calls, requests)
		}
	})
}

func TestCallbackThatExitsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Drain: time.Second}
		out := mistaken(t, n,
			`{"src":"c1","dest":"n1","body":{"type":"exit-later","msg_id":1,"to":"n2","body":{"type":"read"},"timeout_ms":3000000}}`,
			`{"src":"c1","dest":"n1","body":{"type":"exit-later","msg_id":2,"to":"n2","body":{"type":"read"},"timeout_ms":3000000}}`)
		time.Sleep(time.Second)
		if !strings.Contains(out, `"read"`) {
			t.Error(out)
		}
	})
}

func TestEveryGoesOn(t *testing.T) {
	for name, fail := range map[string]func(){
		"panics": func() { panic("no such luck") },
		"exits":  runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, rounds := new(eddy.Node), 0
				n.Every(11*time.Second, func(context.Context) {
					rounds++
					fail()
				})
				mistaken(t, n)
				if rounds != 6 { // at 0, 11, ..., 55 s
					t.Errorf("%d rounds", rounds)
				}
			})
		})
	}
}

// A goroutine cannot call with the ctx of an inline handler.
func TestInlineContextElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, errs := new(eddy.Node), make(chan error, 1)
		n.HandleInline("spawn", func(ctx context.Context, req *eddy.Request) (any, error) {
			go func() {
				_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"read"}`))
				errs <- err
			}()
			return eddy.Raw(`{}`), nil
		})
		mistaken(t, n, `{"src":"c1","dest":"n1","body":{"type":"spawn","msg_id":1}}`)
		if err := <-errs; err == nil {
			t.Error("the call began")
		}
	})
}

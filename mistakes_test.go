package eddy_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
)

// What a program may do wrong, and a node must live through. What a handler may do
// wrong stands in the transcripts.

// mistaken plays lines to a node and returns what it has written until its end.
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

// A callback that never gives up calls again whenever its call fails: past the
// bound of open calls, and at the end of the node.
func TestCallbackThatNeverGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{MaxOpen: 2, Drain: time.Second}
		n.HandleInline("stubborn", func(_ context.Context, req *eddy.Request) (any, error) {
			var again eddy.Callback
			var tries atomic.Int64
			again = func(req *eddy.Request, _ eddy.Message, _ int, err error) {
				if tries.Add(1)%10 == 0 { // or virtual time would never pass
					time.Sleep(time.Millisecond)
				}
				if err != nil {
					req.Call("n2", eddy.Raw(`{"type":"read"}`), nil, again)
				}
			}
			req.Call("n2", eddy.Raw(`{"type":"read"}`), nil, again)
			req.Call("n2", eddy.Raw(`{"type":"read"}`), nil, again)
			req.Call("n2", eddy.Raw(`{"type":"read"}`), nil, again)
			return eddy.Later, nil
		})
		s := &stage{node: n}
		s.start(false)
		s.init()
		s.pipe.arrive([]byte(`{"src":"c1","dest":"n1","body":{"type":"stubborn","msg_id":1}}` + "\n"))
		time.Sleep(time.Second)
		s.pipe.eof()
		<-s.over
		time.Sleep(time.Second) // until the last callback has woken
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

// An inline handler's ctx is no use to a goroutine, and no harm.
func TestInlineContextElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, told := new(eddy.Node), make(chan error, 1)
		n.HandleInline("spawn", func(ctx context.Context, req *eddy.Request) (any, error) {
			go func() {
				_, err := n.RPC(ctx, "n2", eddy.Raw(`{"type":"read"}`))
				told <- err
			}()
			return eddy.Raw(`{}`), nil
		})
		mistaken(t, n, `{"src":"c1","dest":"n1","body":{"type":"spawn","msg_id":1}}`)
		if err := <-told; err == nil {
			t.Error("it made a call")
		}
	})
}

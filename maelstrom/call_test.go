package maelstrom_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/maelstrom"
)

// start runs a node of these handlers on the network.
func start(net *eddytest.Net, name string, register func(n *maelstrom.Node)) *maelstrom.Node {
	n := maelstrom.NewNode()
	transport := net.Join(name)
	n.Stdin, n.Stdout = transport, transport
	register(n)
	go n.Run()
	net.Client("init-"+name).Call(name, map[string]any{"type": "init", "node_id": name, "node_ids": []string{"n1", "n2"}})
	return n
}

func typed(typ string) map[string]any { return map[string]any{"type": typ} }

// ask registers a handler that calls n2 and answers with what came of it.
func ask(policy *maelstrom.Policy) func(n *maelstrom.Node) {
	return func(n *maelstrom.Node) {
		n.Handle("ask", func(m maelstrom.Message) error {
			_, attempts, err := n.RPCWithRetry(context.Background(), "n2", typed("add"), policy)
			if err != nil {
				return err
			}
			return n.Reply(m, map[string]any{"type": "ask_ok", "attempts": attempts})
		})
	}
}

// What a handler answers that returns the error of its call.
func TestHandlerReturnsTheErrorOfItsCall(t *testing.T) {
	precondition := map[string]any{"type": "error", "code": 22, "text": "no"}
	for name, test := range map[string]struct {
		lost int
		said any
		code int64
		text string
	}{
		"silence":               {lost: 3, code: 0, text: "RPC failed after 3 attempts"},
		"no":                    {said: precondition, code: 22, text: "RPC to n2 failed: no (precondition-failed)"},
		"silence, then no":      {lost: 1, said: precondition, code: 0, text: "RPC to n2 failed after 2 attempts: no (precondition-failed)"},
		"a code in any type":    {said: map[string]any{"type": "add_ok", "code": 14, "text": "no"}, code: 14, text: "RPC to n2 failed: no (abort)"},
		"type error and code 0": {said: map[string]any{"type": "error", "code": 0, "text": "late"}, code: 0, text: "RPC to n2 failed: late (timeout)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := eddytest.New(t)
				start(net, "n1", ask(nil))
				n2 := net.Client("n2")
				n2.Handle(func(m eddy.Message) { n2.Reply(m, test.said) })
				net.Lose("n1", "n2", test.lost)
				reply := net.Client("c1").Call("n1", typed("ask"))
				code, _ := reply.Body.Get("code").Int()
				text, _ := reply.Body.Get("text").Text()
				if reply.Type != "error" || code != test.code || text != test.text {
					t.Errorf("answered with %s", reply.Body)
				}
			})
		})
	}
}

// In this dialect any reply with a code is an error, and a policy heeds it.
func TestPolicyHeedsACodeInAnyType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		start(net, "n1", ask(&maelstrom.Policy{RetryOn: []int{maelstrom.TemporarilyUnavailable}}))
		n2 := net.Client("n2")
		busy := map[string]any{"type": "add_ok", "code": 11}
		n2.Handle(func(m eddy.Message) {
			n2.Reply(m, busy)
			busy = typed("add_ok")
		})
		if reply := net.Client("c1").Call("n1", typed("ask")); string(reply.Body.Get("attempts")) != "2" {
			t.Errorf("answered with %s", reply.Body)
		}
	})
}

func TestErrorOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		n1 := start(net, "n1", func(*maelstrom.Node) {})
		_, attempts, err := n1.RPCWithRetry(t.Context(), "n2", typed("add"), nil)
		var call *maelstrom.CallError
		if attempts != 3 || maelstrom.ErrorCode(err) != maelstrom.Timeout || !errors.As(err, &call) || call.Definite() {
			t.Errorf("RPCWithRetry: %d, %v", attempts, err)
		}
		if _, err := n1.SyncRPC(t.Context(), "n2", typed("add")); maelstrom.ErrorCode(err) != maelstrom.Timeout {
			t.Errorf("SyncRPC: %v", err)
		}
		if _, _, err := n1.RPCWithRetry(t.Context(), "n2", typed("add"), &maelstrom.Policy{Attempts: -1}); err == nil {
			t.Error("an impossible policy is taken")
		}
	})
}

// A slow context tells of its deadline, and notices nothing when that has come.
type slowContext struct {
	context.Context
	deadline time.Time
}

func (c slowContext) Deadline() (time.Time, bool) { return c.deadline, true }

// The node may see a deadline pass before the context's own timer does.
func TestDeadlineOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		n1 := start(net, "n1", func(*maelstrom.Node) {})
		ctx := slowContext{t.Context(), time.Now().Add(100 * time.Millisecond)}
		if _, err := n1.SyncRPC(ctx, "n2", typed("add")); err != context.DeadlineExceeded {
			t.Errorf("SyncRPC: %v", err)
		}
	})
}

// A node that has not heard its init calls too, and for no longer than it is told.
func TestDeadlineBeforeInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		in, end := io.Pipe()
		defer end.Close()
		n.Stdin, n.Stdout = in, io.Discard
		for _, when := range []string{"before it runs", "while it runs"} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			begun := time.Now()
			_, err := n.SyncRPC(ctx, "n2", typed("add"))
			if took := time.Since(begun); err != context.DeadlineExceeded || took != 100*time.Millisecond {
				t.Errorf("%s: SyncRPC ended with %v after %v", when, err, took)
			}
			if when == "before it runs" {
				go n.Run()
				synctest.Wait()
			}
		}
	})
}

// The first message of a node without a name may be to nobody: it is a whole line all
// the same.
func TestNeitherSrcNorDest(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{``, `{"body":{"msg_id":1,"type":"add"}}`},
		{`{"body":{"type":"add","msg_id":1}}`, `{"body":{"in_reply_to":1,"type":"add_ok"}}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := maelstrom.NewNode()
			var out strings.Builder
			n.Stdin, n.Stdout = strings.NewReader(tt.in), &out
			n.HandleOnce("add", new(maelstrom.Dedup), func(m maelstrom.Message) error { return n.Reply(m, typed("add_ok")) })
			if tt.in == "" {
				n.RPC("", typed("add"), func(maelstrom.Message) error { return nil })
			}
			if err := n.Run(); err != nil {
				t.Error(err)
			}
			if got := out.String(); got != tt.want+"\n" {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A node that has just learned its name uses it at once, also to a node that it has
// written to without.
func TestNameBeforeAndAfterInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		in, feed := io.Pipe()
		var out strings.Builder
		n.Stdin, n.Stdout = in, &out
		done := make(chan error)
		go func() { done <- n.Run() }()
		synctest.Wait()
		call := func() {
			if err := n.RPC("n2", typed("add"), func(maelstrom.Message) error { return nil }); err != nil {
				t.Error(err)
			}
		}
		call()
		io.WriteString(feed, `{"src":"n2","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}`+"\n")
		synctest.Wait()
		call()
		feed.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		const want = `{"dest":"n2","body":{"msg_id":1,"type":"add"}}
{"src":"n1","dest":"n2","body":{"in_reply_to":1,"type":"init_ok"}}
{"src":"n1","dest":"n2","body":{"msg_id":2,"type":"add"}}
`
		if got := out.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestCall(t *testing.T) {
	for lost, want := range []string{0: "add_ok after 1", 1: "add_ok after 2", 2: "add_ok after 3", 3: "no reply after 3"} {
		synctest.Test(t, func(t *testing.T) {
			net := eddytest.New(t)
			n1 := start(net, "n1", func(*maelstrom.Node) {})
			n2 := net.Client("n2")
			n2.Handle(func(m eddy.Message) { n2.Reply(m, typed("add_ok")) })
			net.Lose("n1", "n2", lost)
			ended := make(chan string)
			if err := n1.Call("n2", typed("add"), nil, func(reply maelstrom.Message, attempts int, err error) {
				said := reply.Type()
				if maelstrom.ErrorCode(err) == maelstrom.Timeout {
					said = "no reply"
				}
				ended <- said + " after " + string(rune('0'+attempts))
			}); err != nil {
				t.Fatal(err)
			}
			if got := <-ended; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

func TestPanicOfACallbackIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		n1 := start(net, "n1", func(*maelstrom.Node) {})
		n1.Call("n2", typed("add"), nil, func(maelstrom.Message, int, error) { panic("oh") })
		time.Sleep(time.Minute)
	})
}

// Two attempts of one call, each reply of which may be lost, or which come while
// the first is served, take effect once.
func TestHandleOnce(t *testing.T) {
	for name, test := range map[string]struct {
		lost int           // replies
		work time.Duration // of the handler
		want string
	}{
		"reply lost":     {lost: 1, want: `{"attempts":2,"in_reply_to":1,"type":"ask_ok"}`},
		"while served":   {work: 700 * time.Millisecond, want: `{"attempts":2,"in_reply_to":1,"type":"ask_ok"}`},
		"nothing wrong":  {want: `{"attempts":1,"in_reply_to":1,"type":"ask_ok"}`},
		"no reply comes": {lost: 3, want: `{"code":0,"in_reply_to":1,"text":"RPC failed after 3 attempts","type":"error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var dedup maelstrom.Dedup
				count := 0
				net := eddytest.New(t)
				start(net, "n1", ask(&maelstrom.Policy{CallID: true}))
				start(net, "n2", func(n *maelstrom.Node) {
					n.HandleOnce("add", &dedup, func(m maelstrom.Message) error {
						mu.Lock()
						count++
						mu.Unlock()
						time.Sleep(test.work)
						return n.Reply(m, typed("add_ok"))
					})
				})
				net.Lose("n2", "n1", test.lost)
				reply := net.Client("c1").Call("n1", typed("ask"))
				if string(reply.Body) != test.want {
					t.Errorf("answered with %s, want %s", reply.Body, test.want)
				}
				if mu.Lock(); count != 1 {
					t.Errorf("it took effect %d times", count)
				}
				mu.Unlock()
			})
		})
	}
}

// A handler that returns an error, or forgets to answer, is answered for, and so
// are further attempts.
func TestHandleOnceOfAHandlerThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"error":     {maelstrom.NewRPCError(maelstrom.Abort, "no"), `{"code":14,"in_reply_to":%,"text":"no","type":"error"}`},
		"forgetful": {nil, `{"code":13,"in_reply_to":%,"text":"the handler of add did not reply","type":"error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := eddytest.New(t)
				served := 0
				start(net, "n1", func(n *maelstrom.Node) {
					n.HandleOnce("add", nil, func(maelstrom.Message) error {
						served++
						return test.err
					})
				})
				client := net.Client("c1")
				for _, id := range []string{"1", "2"} {
					reply := client.Call("n1", eddy.Raw(`{"type":"add","call":"a/1"}`))
					if want := strings.Replace(test.want, "%", id, 1); string(reply.Body) != want {
						t.Errorf("answered with %s, want %s", reply.Body, want)
					}
				}
				if served != 1 {
					t.Errorf("served %d times", served)
				}
			})
		})
	}
}

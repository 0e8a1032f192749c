package maelstrom_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/maelstrom"
)

// start runs a node on the network, with the handlers that register registers.
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

// ask registers a handler that calls n2 and replies with the number of attempts.
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

// If a handler returns the error of its call, the reply has the right code.
func TestHandlerReturnsTheErrorOfItsCall(t *testing.T) {
	precondition := map[string]any{"type": "error", "code": 22, "text": "no"}
	for name, test := range map[string]struct {
		lost  int // requests to n2
		reply any // of n2
		code  int64
		text  string
	}{
		"timeouts":               {lost: 3, code: 0, text: "RPC failed after 3 attempts"},
		"an error":               {reply: precondition, code: 22, text: "RPC to n2 failed: no (precondition-failed)"},
		"timeout, then an error": {lost: 1, reply: precondition, code: 0, text: "RPC to n2 failed after 2 attempts: no (precondition-failed)"},
		"a code in any type":     {reply: map[string]any{"type": "add_ok", "code": 14, "text": "no"}, code: 14, text: "RPC to n2 failed: no (abort)"},
		"type error and code 0":  {reply: map[string]any{"type": "error", "code": 0, "text": "late"}, code: 0, text: "RPC to n2 failed: late (timeout)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := eddytest.New(t)
				start(net, "n1", ask(nil))
				n2 := net.Client("n2")
				n2.Handle(func(m eddy.Message) { n2.Reply(m, test.reply) })
				net.Lose("n1", "n2", test.lost)
				reply := net.Client("c1").Call("n1", typed("ask"))
				code, _ := reply.Body.Get("code").Int()
				text, _ := reply.Body.Get("text").Text()
				if reply.Type() != "error" || code != test.code || text != test.text {
					t.Errorf("the reply is %s", reply.Body)
				}
			})
		})
	}
}

// Any reply with a code is an error reply, and a policy may retry it.
func TestPolicyRetriesACodeInAnyType(t *testing.T) {
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
			t.Errorf("the reply is %s", reply.Body)
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
			t.Error("a call with an invalid policy began")
		}
	})
}

// A slowContext has a deadline and does not end when that has passed.
type slowContext struct {
	context.Context
	deadline time.Time
}

func (c slowContext) Deadline() (time.Time, bool) { return c.deadline, true }

// The node may see that a deadline has passed before the timer of the context does.
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

// A call that a node makes before init waits until its deadline.
func TestDeadlineBeforeInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		in, end := io.Pipe()
		defer end.Close()
		n.Stdin, n.Stdout = in, io.Discard
		for _, when := range []string{"before Run", "during Run"} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			begun := time.Now()
			_, err := n.SyncRPC(ctx, "n2", typed("add"))
			if took := time.Since(begun); err != context.DeadlineExceeded || took != 100*time.Millisecond {
				t.Errorf("%s: SyncRPC ended with %v after %v", when, err, took)
			}
			if when == "before Run" {
				go n.Run()
				synctest.Wait()
			}
		}
	})
}

// A message may have neither src nor dest.
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

// A node uses its name as soon as init has set it, also to a node that it has written to
// before.
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
				outcome := reply.Type()
				if maelstrom.ErrorCode(err) == maelstrom.Timeout {
					outcome = "no reply"
				}
				ended <- outcome + " after " + string(rune('0'+attempts))
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

// A reply without a src is taken to come from the node that was asked.
func TestReplyWithoutSrc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := maelstrom.NewNode()
		in, feed := io.Pipe()
		n.Stdin, n.Stdout = in, io.Discard
		go n.Run()
		n.Init("n1", []string{"n1", "n2"})
		go func() {
			synctest.Wait()
			io.WriteString(feed, `{"dest":"n1","body":{"type":"read_ok","in_reply_to":1}}`+"\n")
		}()
		if _, err := n.SyncRPC(t.Context(), "n2", typed("read")); err != nil {
			t.Error(err)
		}
		feed.Close()
	})
}

package maelstrom_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/maelstrom"
)

// Several attempts of one call have one effect, also if replies are lost, or if an attempt
// arrives while the handler runs.
func TestHandleOnce(t *testing.T) {
	for name, test := range map[string]struct {
		lost int           // replies of n2
		work time.Duration // of the handler
		want string
	}{
		"reply lost":     {lost: 1, want: `{"attempts":2,"in_reply_to":1,"type":"ask_ok"}`},
		"while it runs":  {work: 700 * time.Millisecond, want: `{"attempts":2,"in_reply_to":1,"type":"ask_ok"}`},
		"no fault":       {want: `{"attempts":1,"in_reply_to":1,"type":"ask_ok"}`},
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
					t.Errorf("the reply is %s, want %s", reply.Body, test.want)
				}
				if mu.Lock(); count != 1 {
					t.Errorf("it had %d effects", count)
				}
				mu.Unlock()
			})
		})
	}
}

// If a handler returns an error or does not reply, the node replies with an error, and
// gives the same reply to further attempts.
func TestHandleOnceOfAHandlerThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"an error": {maelstrom.NewRPCError(maelstrom.Abort, "no"), `{"code":14,"in_reply_to":%,"text":"no","type":"error"}`},
		"no reply": {nil, `{"code":13,"in_reply_to":%,"text":"the handler of add did not reply","type":"error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := eddytest.New(t)
				runs := 0
				start(net, "n1", func(n *maelstrom.Node) {
					n.HandleOnce("add", nil, func(maelstrom.Message) error {
						runs++
						return test.err
					})
				})
				client := net.Client("c1")
				for _, id := range []string{"1", "2"} {
					reply := client.Call("n1", eddy.Raw(`{"type":"add","call":"a/1"}`))
					if want := strings.Replace(test.want, "%", id, 1); string(reply.Body) != want {
						t.Errorf("the reply is %s, want %s", reply.Body, want)
					}
				}
				if runs != 1 {
					t.Errorf("the handler ran %d times", runs)
				}
			})
		})
	}
}

// Without a call id the handler runs for every request, and every request gets one reply,
// also if the network has duplicated it.
func TestHandleOnceWithoutCallID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		start(net, "n1", func(n *maelstrom.Node) {
			n.HandleOnce("add", nil, func(m maelstrom.Message) error {
				time.Sleep(time.Second) // both run at the same time
				return n.Reply(m, typed("add_ok"))
			})
		})
		client := net.Client("c1")
		net.Duplicate("c1", "n1", 1)
		client.Send("n1", `{"type":"add","msg_id":7}`)
		time.Sleep(time.Minute)
		for range 2 {
			if m, ok := client.TryReceive(); !ok || string(m.Body) != `{"in_reply_to":7,"type":"add_ok"}` {
				t.Errorf("received %s", m.Body)
			}
		}
		if m, ok := client.TryReceive(); ok {
			t.Errorf("received a third reply, %s", m.Body)
		}
	})
}

// Reply sends a one-way message if the program has a handler for its type, also from a
// handler that HandleOnce has registered.
func TestHandleOnceOfAOneWayMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		start(net, "n1", func(n *maelstrom.Node) {
			n.HandleOnce("add", nil, func(m maelstrom.Message) error { return n.Reply(m, typed("add_ok")) })
			n.Handle("add_ok", func(maelstrom.Message) error { return nil })
		})
		client := net.Client("c1")
		client.Send("n1", `{"type":"add"}`)
		if m := client.Receive(); m.Type() != "add_ok" {
			t.Errorf("received %s", m.Body)
		}
	})
}

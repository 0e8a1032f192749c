package moves

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

func TestDestIsTheMessages(t *testing.T) {
	out, _ := serve(t, `{"src":"c1","dest":"n7","body":{"type":"t","msg_id":2}}`+"\n", func(n *maelstrom.Node) {
		n.Handle("t", func(m maelstrom.Message) error { return n.Reply(m, map[string]any{"type": "t_ok", "dest": m.Dest}) })
	})
	wants(t, out, `"dest":"n7"`)
}

func TestCallWithoutCallback(t *testing.T) {
	virtually(t, func(t *testing.T) {
		out, err := serve(t, ask(2, "ask")+`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":1}}`+"\n", func(n *maelstrom.Node) {
			n.Handle("ask", func(m maelstrom.Message) error { return n.RPC("n2", body("read"), nil) })
		})
		if err != nil {
			t.Error(err)
		}
		wants(t, out, `"read"`)
	})
}

// Optional ids are pointers, which become null.
func TestNullIDs(t *testing.T) {
	out, err := serve(t, `{"src":"c1","dest":"n1","body":{"type":"t","msg_id":2,"in_reply_to":null}}`+"\n"+
		`{"src":"c1","dest":"n1","body":{"type":"t","msg_id":null}}`+"\n", func(n *maelstrom.Node) {
		var served atomic.Int64
		n.Handle("t", func(m maelstrom.Message) error {
			return n.Send("c1", map[string]any{"type": "t_ok", "served": served.Add(1)})
		})
	})
	if err != nil {
		t.Error(err)
	}
	wants(t, out, `"type":"t_ok"`)
	wants(t, out, `"served":2`)
}

// A service with one key, which the test simulates.
func withKV(t *testing.T, value string, use func(kv *maelstrom.KV)) {
	virtually(t, func(t *testing.T) {
		w := live(t, nil)
		done := make(chan struct{})
		go func() {
			use(maelstrom.NewSeqKV(w.Node))
			close(done)
			w.in.Close()
		}()
		for id := 1; ; id++ {
			if w.line() == "" {
				break
			}
			w.write(fmt.Sprintf(`{"src":"seq-kv","dest":"n1","body":{"type":"read_ok"%s,"in_reply_to":%d}}`+"\n", value, id))
		}
		<-done
		<-w.ended
	})
}

func TestReadIntoNothing(t *testing.T) {
	withKV(t, `,"value":7`, func(kv *maelstrom.KV) {
		if err := kv.ReadInto(context.Background(), "k", nil); err != nil {
			t.Errorf("ReadInto: %v", err)
		}
	})
}

func TestReadIntoKeepsWhatIsNull(t *testing.T) {
	for _, value := range []string{`,"value":null`, ``} {
		withKV(t, value, func(kv *maelstrom.KV) {
			list := []int{1}
			if err := kv.ReadInto(context.Background(), "k", &list); err != nil || len(list) != 1 {
				t.Errorf("ReadInto: %v, %v", list, err)
			}
		})
	}
}

func TestReadOfEveryKind(t *testing.T) {
	for value, want := range map[string]any{`7`: 7, `7.0`: 7, `1e3`: 1000, `"a"`: "a", `true`: true, `null`: nil} {
		withKV(t, `,"value":`+value, func(kv *maelstrom.KV) {
			if got, err := kv.Read(context.Background(), "k"); got != want || err != nil {
				t.Errorf("Read of %s: %v, %v", value, got, err)
			}
		})
	}
}

func TestTypeAssertionOfAnError(t *testing.T) {
	withKV(t, `,"code":22,"text":"no"`, func(kv *maelstrom.KV) {
		err := kv.CompareAndSwap(context.Background(), "k", 1, 2, false)
		if rpc, ok := err.(*maelstrom.RPCError); !ok || rpc.Code != maelstrom.PreconditionFailed || rpc.Text != "no" {
			t.Errorf("CompareAndSwap: %v", err)
		}
	})
}

func TestEndOfContextIsReturnedAsIs(t *testing.T) {
	virtually(t, func(t *testing.T) {
		w := live(t, nil)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		go w.line()
		if _, err := w.SyncRPC(ctx, "n2", body("read")); err != context.DeadlineExceeded {
			t.Errorf("SyncRPC: %v", err)
		}
		w.end()
	})
}

// Bodies that are structs: Send keeps the order of the fields, Reply and RPC sort them.
func TestBodiesOfStructs(t *testing.T) {
	type inner struct {
		Z int `json:"z"`
		A int `json:"a"`
	}
	type read struct {
		maelstrom.MessageBody
		Value string `json:"value"`
		Key   inner  `json:"key"`
	}
	out, _ := serve(t, ask(2, "t"), func(n *maelstrom.Node) {
		n.Init("n1", nil)
		n.Handle("t", func(m maelstrom.Message) error {
			n.Send("n2", read{maelstrom.MessageBody{Type: "one"}, "<&>é", inner{}})
			n.RPC("n2", read{maelstrom.MessageBody{Type: "two", MsgID: 9}, "", inner{}}, func(maelstrom.Message) error { return nil })
			return n.Reply(m, read{maelstrom.MessageBody{Type: "t_ok"}, "v", inner{}})
		})
	})
	wants(t, out, `{"src":"n1","dest":"n2","body":{"type":"one","value":"\u003c\u0026\u003eé","key":{"z":0,"a":0}}}`)
	wants(t, out, `"msg_id":1,"type":"two","value":""}}`)
	wants(t, out, `"type":"t_ok","value":"v"}}`)
}

// Mistakes in bodies are errors, and nothing is sent.
func TestBodiesThatCantBeSent(t *testing.T) {
	out, _ := serve(t, ask(2, "t"), func(n *maelstrom.Node) {
		n.Handle("t", func(m maelstrom.Message) error {
			for name, err := range map[string]error{
				"send":             n.Send("n2", make(chan int)),
				"reply":            n.Reply(m, make(chan int)),
				"reply of a list":  n.Reply(m, []int{1}),
				"rpc":              n.RPC("n2", make(chan int), func(maelstrom.Message) error { return nil }),
				"rpc of a list":    n.RPC("n2", []int{1}, func(maelstrom.Message) error { return nil }),
				"reply to rubbish": n.Reply(maelstrom.Message{Src: "c1", Body: json.RawMessage(`rubbish`)}, body("t_ok")),
				"reply to nothing": n.Reply(maelstrom.Message{Src: "c1"}, body("t_ok")),
			} {
				if err == nil {
					t.Errorf("%s: no error", name)
				}
			}
			return nil
		})
	})
	if strings.Count(out, "\n") != 1 {
		t.Errorf("sent: %s", out)
	}
}

// Acknowledgements by hand: a gossip is sent without an id, and a handler gets the reply
// of the other node.
func TestAcknowledgementComesToAHandler(t *testing.T) {
	virtually(t, func(t *testing.T) {
		handlers := func(acked chan<- string) func(n *maelstrom.Node) {
			return func(n *maelstrom.Node) {
				n.Handle("start", func(maelstrom.Message) error { return n.Send("n2", body("gossip")) })
				n.Handle("gossip", func(m maelstrom.Message) error { return n.Reply(m, body("gossip_ok")) })
				n.Handle("gossip_ok", func(m maelstrom.Message) error {
					acked <- m.Src
					return nil
				})
			}
		}
		acked := make(chan string, 1)
		a, b := live(t, handlers(acked)), live(t, handlers(nil))
		b.Init("n2", []string{"n1", "n2"})
		go func() {
			for line := a.line(); line != ""; line = a.line() {
				b.write(line)
			}
		}()
		go func() {
			for line := b.line(); line != ""; line = b.line() {
				a.write(line)
			}
		}()
		a.write(`{"src":"c1","dest":"n1","body":{"type":"start"}}` + "\n")
		select {
		case src := <-acked:
			if src != "n2" {
				t.Errorf("acknowledged by %s", src)
			}
		case <-time.After(time.Minute):
			t.Error("no acknowledgement")
		}
		a.in.Close()
		b.in.Close()
		<-a.ended
		<-b.ended
	})
}

// A reply of a test, without a src.
func TestReplyWithoutSource(t *testing.T) {
	virtually(t, func(t *testing.T) {
		w := live(t, nil)
		go func() {
			w.line()
			w.write(`{"body":{"type":"read_ok","in_reply_to":1}}` + "\n")
		}()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := w.SyncRPC(ctx, "n2", body("read")); err != nil {
			t.Error(err)
		}
		w.end()
	})
}

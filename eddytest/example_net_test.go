package eddytest_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// t takes the place of a testing.T, so that the examples of this file look like tests. In a
// test, synctest.Test would make their time virtual.
var t = &standIn{}

type standIn struct {
	testing.TB
	cleanups []func()
}

func (*standIn) Helper()                           {}
func (*standIn) Failed() bool                      { return false }
func (*standIn) Output() io.Writer                 { return io.Discard }
func (*standIn) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (s *standIn) Cleanup(f func())                { s.cleanups = append(s.cleanups, f) }

func (s *standIn) end() {
	for _, f := range s.cleanups {
		f()
	}
	s.cleanups = nil
}

// asker returns a node that calls n2 and replies with the value and the number of attempts.
func asker() *eddy.Node {
	var n eddy.Node
	n.Handle("ask", func(ctx context.Context, _ *eddy.Request) (any, error) {
		reply, attempts, err := n.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"read"}`), &eddy.Policy{Attempts: 2})
		return eddy.Raw(fmt.Sprintf(`{"value":%s,"attempts":%d}`, reply.Body.Get("value"), attempts)), err
	})
	return &n
}

// The test is the client of a node, and takes the place of the node that it calls.
func ExampleNet() {
	defer t.end()
	net := eddytest.New(t, "n1", "n2")
	net.Start("n1", asker())

	var n2 *eddytest.Client = net.Client("n2")
	client := net.Client("c1")
	id := client.Request("n1", `{"type":"ask"}`)
	asked := n2.Receive()
	fmt.Println("n2 received", asked.Body)
	n2.Reply(asked, `{"type":"read_ok","value":7}`)
	fmt.Println("c1 received", client.Await(id).Body)
	// Output:
	// n2 received {"type":"read","msg_id":1}
	// c1 received {"type":"ask_ok","value":7,"attempts":1,"in_reply_to":1,"msg_id":2}
}

// The network loses a request and then duplicates a reply.
func ExampleNet_Lose() {
	defer t.end()
	net := eddytest.New(t, "n1", "n2")
	net.Start("n1", asker())
	n2 := net.Client("n2")
	n2.Handle(func(m eddy.Message) { n2.Reply(m, map[string]any{"type": "read_ok", "value": 7}) })

	net.Lose("n1", "n2", 1)
	net.Duplicate("n2", "n1", 1)
	fmt.Println(net.Client("c1").Call("n1", `{"type":"ask"}`).Body)
	// Output:
	// {"type":"ask_ok","value":7,"attempts":2,"in_reply_to":1,"msg_id":3}
}

// A partition begins and ends.
func ExampleNet_Cut() {
	defer t.end()
	net := eddytest.New(t, "n1", "n2")
	net.Start("n1", asker())
	n2, client := net.Client("n2"), net.Client("c1")
	n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"read_ok","value":7}`) })

	net.Cut("n1", "n2")
	fmt.Println(client.Call("n1", `{"type":"ask"}`).Body)
	net.Heal("n1", "n2")
	fmt.Println(client.Call("n1", `{"type":"ask"}`).Body)
	// Output:
	// {"type":"error","code":0,"text":"RPC failed after 2 attempts","in_reply_to":1,"msg_id":3}
	// {"type":"ask_ok","value":7,"attempts":1,"in_reply_to":2,"msg_id":5}
}

// A script decides the fate of each message. The journal has the fates.
func ExampleNet_Script() {
	defer t.end()
	net := eddytest.New(t, "n1", "n2")
	net.Start("n1", asker())
	n2 := net.Client("n2")
	n2.Handle(func(m eddy.Message) { n2.Reply(m, `{"type":"read_ok","value":7}`) })

	requests := 0
	net.Script(func(m eddy.Message) eddytest.Fate {
		if m.Type() != "read" {
			return eddytest.Arrives
		}
		if requests++; requests == 1 {
			return eddytest.Lost
		}
		return eddytest.Fate{time.Millisecond, 2 * time.Millisecond} // late, and twice
	})
	net.Client("c1").Call("n1", `{"type":"ask"}`)
	for _, entry := range net.Journal()[:3] {
		show := func(e eddytest.Entry) { fmt.Println(e.Message.Type(), len(e.Fate), "copies") }
		show(entry)
	}
	// Output:
	// ask 1 copies
	// read 0 copies
	// read 2 copies
}

// The test itself serves a node.
func ExampleNet_Join() {
	defer t.end()
	net := eddytest.New(t)
	transport := net.Join("n1")
	served := make(chan error)
	go func() { served <- asker().Serve(context.Background(), transport) }()

	fmt.Println(net.Client("c1").Call("n1", `{"type":"ask"}`).Body) // there was no init
	net.Stop("n1")
	fmt.Println(<-served)
	// Output:
	// {"type":"error","code":11,"text":"the node has not been initialised","in_reply_to":1,"msg_id":0}
	// <nil>
}

// A node keeps its data in a service.
func ExampleNet_Services() {
	defer t.end()
	net := eddytest.New(t, "n1")
	net.Services(42)
	var n eddy.Node
	n.Handle("add", func(ctx context.Context, _ *eddy.Request) (any, error) {
		total, err := eddy.LinKV[int](&n).Update(ctx, "total", func(old int, _ bool) (int, error) { return old + 1, nil })
		return map[string]any{"total": total}, err
	})
	net.Start("n1", &n)
	client := net.Client("c1")
	fmt.Println(client.Call("n1", `{"type":"add"}`).Body.Get("total"), client.Call("n1", `{"type":"add"}`).Body.Get("total"))
	// Output:
	// 1 2
}

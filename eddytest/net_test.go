package eddytest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// arrivals sends n messages from a to b and returns what arrives when.
func arrivals(t *testing.T, n int, faults func(net *eddytest.Net)) string {
	var got []string
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		a, b := net.Client("a"), net.Client("b")
		faults(net)
		start := time.Now()
		for i := range n {
			a.Send("b", fmt.Sprintf(`{"type":"t%d"}`, i))
		}
		for range 20 {
			synctest.Wait()
			for m, ok := b.TryReceive(); ok; m, ok = b.TryReceive() {
				got = append(got, fmt.Sprintf("%s@%v", m.Type(), time.Since(start)))
			}
			time.Sleep(time.Second)
		}
	})
	return strings.Join(got, " ")
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		faults func(net *eddytest.Net)
		want   string
	}{
		"none":          {func(net *eddytest.Net) {}, "t0@0s t1@0s t2@0s"},
		"lose":          {func(net *eddytest.Net) { net.Lose("a", "b", 2) }, "t2@0s"},
		"other link":    {func(net *eddytest.Net) { net.Lose("b", "a", 2) }, "t0@0s t1@0s t2@0s"},
		"duplicate":     {func(net *eddytest.Net) { net.Duplicate("a", "b", 1) }, "t0@0s t0@0s t1@0s t2@0s"},
		"delay":         {func(net *eddytest.Net) { net.Delay("a", "b", time.Second) }, "t0@1s t1@1s t2@1s"},
		"cut":           {func(net *eddytest.Net) { net.Cut("b", "a") }, ""},
		"heal":          {func(net *eddytest.Net) { net.Cut("a", "b"); net.Heal("b", "a") }, "t0@0s t1@0s t2@0s"},
		"lose and copy": {func(net *eddytest.Net) { net.Lose("a", "b", 1); net.Duplicate("a", "b", 1) }, "t1@0s t1@0s t2@0s"},
		"script": {func(net *eddytest.Net) {
			net.Script(func(m eddy.Message) eddytest.Fate {
				switch m.Type() {
				case "t0":
					return eddytest.Fate{2 * time.Second, time.Second}
				case "t1":
					return eddytest.Lost
				}
				return eddytest.Arrives
			})
		}, "t2@0s t0@1s t0@2s"},
		"script and delay": {func(net *eddytest.Net) {
			net.Delay("a", "b", time.Second)
			net.Script(func(eddy.Message) eddytest.Fate { return eddytest.Fate{time.Second} })
		}, "t0@2s t1@2s t2@2s"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := arrivals(t, 3, test.faults); got != test.want {
				t.Errorf("arrived %q, want %q", got, test.want)
			}
		})
	}
}

// Messages that arrive at the same time arrive in the order in which they were sent.
func TestDelayKeepsOrder(t *testing.T) {
	const n = 1000
	got := arrivals(t, n, func(net *eddytest.Net) { net.Delay("a", "b", time.Second) })
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("t%d@1s", i))
	}
	if got != strings.Join(want, " ") {
		t.Errorf("arrived out of order: %s", got)
	}
}

func TestJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		net.Start("n1", newCounter())
		c := net.Client("c1")
		c.Call("n1", `{"type":"add"}`)
		time.Sleep(time.Second)
		net.Duplicate("c1", "n1", 1)
		net.Delay("c1", "n1", time.Second)
		c.Send("n1", `{"type":"add"}`)
		c.Send("n7", eddy.Raw(`{"type":"add"}`))
		var got []string
		for _, e := range net.Journal() {
			got = append(got, e.String())
		}
		want := []string{
			`0s c1 -> n1 {"type":"add","msg_id":1}`,
			`0s n1 -> c1 {"type":"add_ok","count":1,"in_reply_to":1,"msg_id":1}`,
			`1s c1 -> n1 {"type":"add"} after 1s and again after 1s`,
			`1s c1 -> n7 {"type":"add"} lost`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("the journal is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// init gives a node the names that New got, and its own.
func TestInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1", "n2")
		known, stranger := newCounter(), newCounter()
		net.Cut("n1", "init-n1") // which does not affect Start
		net.Start("n1", known)
		net.Start("n3", stranger)
		if got := fmt.Sprintf("%s %s %s %s", known.ID(), known.IDs(), stranger.ID(), stranger.IDs()); got != "n1 [n1 n2] n3 [n1 n2 n3]" {
			t.Errorf("the names of the nodes are %s", got)
		}
		if len(net.Journal()) != 0 {
			t.Errorf("the journal has init: %v", net.Journal())
		}
	})
}

// A node that is stopped replies to what it has accepted. Another node may have its name.
func TestStopAndStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1")
		net.Start("n1", newCounter())
		c := net.Client("c1")
		asked := c.Request("n1", `{"type":"ask"}`) // n2 is not there
		synctest.Wait()
		net.Stop("n1")
		if m := c.Await(asked); m.Type() != "error" {
			t.Errorf("the reply is %s, want an error", m.Body)
		}
		c.Send("n1", `{"type":"add"}`)
		net.Start("n1", newCounter())
		if m := c.Call("n1", `{"type":"add"}`); string(m.Body.Get("count")) != "1" {
			t.Errorf("the first reply of the new node is %s", m.Body)
		}
	})
}

// A test may itself serve a node.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		n := newCounter()
		transport := net.Join("n1")
		go func() { served <- n.Serve(ctx, transport) }()
		c := net.Client("c1")
		c.Call("n1", `{"type":"init","node_id":"n1","node_ids":["n1"]}`)
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// A client receives the second reply to one request, too.
func TestClientSeesDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		net.Start("n1", newCounter())
		net.Duplicate("n1", "c1", 1)
		c := net.Client("c1")
		first := c.Call("n1", `{"type":"add"}`)
		if again := c.Receive(); again.InReplyTo != first.InReplyTo {
			t.Errorf("received %s, want a copy of %s", again.Body, first.Body)
		}
		if m, ok := c.TryReceive(); ok {
			t.Errorf("received %s, want nothing", m.Body)
		}
	})
}

func TestHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		n2 := net.Client("n2")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, map[string]any{"type": "add_ok", "count": 7}) })
		net.Start("n1", newCounter())
		if m := net.Client("c1").Call("n1", []byte(`{"type":"ask"}`)); string(m.Body.Get("count")) != "7" {
			t.Errorf("the reply is %s", m.Body)
		}
	})
}

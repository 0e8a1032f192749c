package eddytest_test

import (
	"testing"
	"testing/synctest"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A test to copy: a node keeps a counter in lin-kv, and the replies to a change are lost.
func TestCounterInLinKV(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t, "n1")
		net.Services(1)
		var n eddy.Node
		net.Start("n1", &n)
		counter := eddy.LinKV[int](&n)
		add := func() error {
			_, err := counter.Update(t.Context(), "count", func(old int, _ bool) (int, error) { return old + 1, nil })
			return err
		}
		if err := add(); err != nil {
			t.Error(err)
		}
		net.Script(func(m eddy.Message) eddytest.Fate {
			if m.Type() == "cas_ok" {
				return eddytest.Lost
			}
			return eddytest.Arrives
		})
		if err := add(); err == nil {
			t.Error("no reply came, and there is no error")
		}
		if count, err := counter.Read(t.Context(), "count"); count != 2 || err != nil {
			t.Errorf("the count is %d, %v", count, err)
		}
	})
}

// There are all services. They reply to requests only, and to each copy of a request.
func TestServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		net.Services(1)
		c := net.Client("c1")
		for _, name := range []string{"lin-kv", "seq-kv", "lww-kv"} {
			if m := c.Call(name, `{"type":"write","key":"x","value":[1, 2]}`); m.Type() != "write_ok" || m.Src != name {
				t.Errorf("the reply of %s is %s", m.Src, m.Body)
			}
		}
		for i, want := range []string{"0", "1"} {
			if m := c.Call("lin-tso", `{"type":"ts"}`); string(m.Body.Get("ts")) != want {
				t.Errorf("timestamp %d is %s", i, m.Body)
			}
		}
		c.Send("lin-tso", `{"type":"ts"}`)
		c.Send("lin-tso", `{"type":"ts","msg_id":7,"in_reply_to":7}`)
		synctest.Wait()
		if m, ok := c.TryReceive(); ok {
			t.Errorf("received %s", m.Body)
		}
		net.Duplicate("c1", "lin-tso", 1)
		if m, again := c.Call("lin-tso", `{"type":"ts"}`), c.Receive(); string(m.Body.Get("ts")) != "2" || string(again.Body.Get("ts")) != "3" {
			t.Errorf("received %s and %s", m.Body, again.Body)
		}
	})
}

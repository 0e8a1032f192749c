package maelstrom_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/maelstrom"
)

// Handlers may hold a lock across a call, also if every second message is lost. A goroutine
// that waits for a mutex stops virtual time, so the mutex is tested on the real clock, and a
// channel in virtual time.
func TestLockHeldAcrossCallUnderLoss(t *testing.T) {
	t.Run("mutex", func(t *testing.T) {
		lockedCalls(t, new(sync.Mutex), 2*time.Millisecond)
	})
	t.Run("channel", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { lockedCalls(t, make(chanLock, 1), 0) })
	})
}

type chanLock chan bool

func (c chanLock) Lock()   { c <- true }
func (c chanLock) Unlock() { <-c }

func lockedCalls(t *testing.T, lock sync.Locker, timeout time.Duration) {
	const requests = 20
	var inside atomic.Int32
	net := eddytest.New(t)
	start(net, "n1", func(n *maelstrom.Node) {
		n.Handle("locked", func(m maelstrom.Message) error {
			lock.Lock()
			defer lock.Unlock()
			if inside.Add(1) != 1 {
				t.Error("two handlers hold one lock")
			}
			defer inside.Add(-1)
			policy := maelstrom.Policy{Attempts: 1000, Timeout: timeout}
			if _, _, err := n.RPCWithRetry(context.Background(), "n2", typed("read"), &policy); err != nil {
				return err
			}
			return n.Reply(m, typed("locked_ok"))
		})
	})
	n2, client := net.Client("n2"), net.Client("c1")
	n2.Handle(func(m eddy.Message) { n2.Reply(m, typed("read_ok")) })
	sent := 0
	net.Script(func(m eddy.Message) eddytest.Fate {
		if sent++; m.Dest == "n2" && sent%2 == 0 || m.Src == "n2" && sent%3 == 0 {
			return eddytest.Lost
		}
		return eddytest.Arrives
	})
	var asked []int64
	for range requests {
		asked = append(asked, client.Request("n1", typed("locked")))
	}
	for _, id := range asked {
		if reply := client.Await(id); reply.Type() != "locked_ok" {
			t.Errorf("the reply is %s", reply.Body)
		}
	}
}

// Handlers that sleep or wait for other handlers do not delay quick ones.
func TestQuickHandlersBesideSlowOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		gate := make(chan struct{})
		start(net, "n1", func(n *maelstrom.Node) {
			n.Handle("quick", func(m maelstrom.Message) error { return n.Reply(m, typed("quick_ok")) })
			n.Handle("sleep", func(m maelstrom.Message) error {
				time.Sleep(time.Second)
				return n.Reply(m, typed("sleep_ok"))
			})
			n.Handle("wait", func(m maelstrom.Message) error {
				<-gate
				return n.Reply(m, typed("wait_ok"))
			})
			n.Handle("open", func(m maelstrom.Message) error {
				close(gate)
				return n.Reply(m, typed("open_ok"))
			})
		})
		c := net.Client("c1")
		begin := time.Now()
		var slow []int64
		for id := range 60 {
			switch id % 4 {
			case 0:
				slow = append(slow, c.Request("n1", typed("sleep")))
			case 1:
				slow = append(slow, c.Request("n1", typed("wait")))
			default: // with ids of its own, so that Receive gets the replies
				c.Send("n1", map[string]any{"type": "quick", "msg_id": 1000 + id})
			}
		}
		for range 30 {
			if reply := c.Receive(); reply.Type() != "quick_ok" {
				t.Fatalf("received %s", reply.Body)
			}
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("the slow handlers delayed the quick ones by %v", took)
		}
		c.Call("n1", typed("open"))
		for _, id := range slow {
			c.Await(id)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("the handlers that sleep at the same time took %v", took)
		}
	})
}

// A handler gets the reply to its call at once.
func TestReplyToAWaitingHandlerIsReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := eddytest.New(t)
		start(net, "n1", func(n *maelstrom.Node) {
			n.Handle("ask", func(m maelstrom.Message) error {
				if _, err := n.SyncRPC(context.Background(), "n2", typed("read")); err != nil {
					return err
				}
				return n.Reply(m, typed("ask_ok"))
			})
		})
		n2, client := net.Client("n2"), net.Client("c1")
		n2.Handle(func(m eddy.Message) { n2.Reply(m, typed("read_ok")) })
		for range 10 {
			begin := time.Now()
			client.Call("n1", typed("ask"))
			if took := time.Since(begin); took > 0 {
				t.Errorf("it took %v", took)
			}
		}
	})
}

package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/examples/internal/challenge"
)

// isRead reports whether request i is a read. Every node gets reads and adds.
func isRead(i int) bool { return i/3%2 == 1 }

func request(i int) any {
	if isRead(i) {
		return `{"type":"read"}`
	}
	return fmt.Sprintf(`{"type":"add","delta":%d}`, i)
}

// sums returns the least and the greatest correct value of a read that was sent and
// answered at these times: the sum of the adds that were acknowledged before, and the
// sum of all adds that may have had an effect.
func sums(answers []challenge.Answer, asked, answered time.Duration) (least, most int64) {
	for i, a := range answers {
		switch {
		case isRead(i):
		case a.Type() == "add_ok" && a.Answered < asked:
			least, most = least+int64(i), most+int64(i)
		case a.Asked < answered && (a.Type() == "add_ok" || !failed(a.Message)):
			most += int64(i)
		}
	}
	return least, most
}

// failed reports whether a reply means that an add surely had no effect.
func failed(answer eddy.Message) bool {
	code, _ := answer.Body.Get("code").Int()
	return eddy.Code(code).Definite()
}

// On a bad network, with one node cut off for a while and another one restarted, a read
// has each add that was acknowledged before, once.
func TestCount(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			c := challenge.Start(t, 3, newNode)
			c.Services(seed)
			c.Faults(seed)
			answers := c.Load(20, 20*time.Second, func(i int) any {
				switch i {
				case 100:
					c.Isolate("n1", "seq-kv")
				case 200:
					c.Join("n1", "seq-kv")
				case 300:
					c.Stop("n2") // the state is in the service
					c.Net.Start("n2", newNode())
				}
				return request(i)
			})
			errors := 0
			for i, a := range answers {
				value, ok := a.Body.Get("value").Int()
				least, most := sums(answers, a.Asked, a.Answered)
				if a.Type() == "error" {
					errors++
				} else if isRead(i) && (!ok || value < least || value > most) {
					t.Errorf("read %d has %s, want %d to %d", i, a.Body, least, most)
				}
			}
			if errors == 0 || errors > 100 {
				t.Errorf("%d of 400 requests got errors, want only some of those to the node that was cut off", errors)
			}
		})
	}
}

// A compare-and-set arrives twice, and the reply to the first copy is lost. The reply to
// the second copy says that the value differs.
func TestSwapArrivesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 1, newNode)
		c.Services(1)
		c.Duplicate("n0", "seq-kv", 100)
		lost := false
		c.Script(func(m eddy.Message) eddytest.Fate {
			if m.Type() == "cas_ok" && !lost {
				lost = true
				return eddytest.Lost
			}
			return eddytest.Arrives
		})
		if m := c.Client.Call("n0", `{"type":"add","delta":5}`); m.Type() != "add_ok" || !lost {
			t.Errorf("answered with %s", m.Body)
		}
		if m := c.Client.Call("n0", `{"type":"read"}`); string(m.Body.Get("value")) != "5" {
			t.Errorf("after an add of 5 a read has %s", m.Body)
		}
	})
}

// The jitter of the pauses decides how many races are lost. Under this load there are
// 5.75 to 5.85 messages for each operation, which rounds to 6 in every run.
func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 3, newNode)
		c.Services(1)
		c.Latency(time.Millisecond)
		c.Load(200, 20*time.Second, request)
		challenge.Row(t, "4 Grow-only counter", fmt.Sprintf("%s | %.0f | 3 nodes, 200/s, 1 ms to the service", challenge.Program(t), c.PerOp()))
	})
}

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

// isRead reports whether request i is a read: every node gets reads and adds.
func isRead(i int) bool { return i/3%2 == 1 }

func request(i int) any {
	if isRead(i) {
		return `{"type":"read"}`
	}
	return fmt.Sprintf(`{"type":"add","delta":%d}`, i)
}

// sums are the least and the most that the counter may have when somebody who asks
// at one time is answered at another: what had been acknowledged by then, and all
// that could be there.
func sums(answers []challenge.Answer, asked, answered time.Duration) (least, most int64) {
	for i, a := range answers {
		switch {
		case isRead(i):
		case a.Type == "add_ok" && a.Answered < asked:
			least, most = least+int64(i), most+int64(i)
		case a.Asked < answered && (a.Type == "add_ok" || !failed(a.Message)):
			most += int64(i)
		}
	}
	return least, most
}

// failed reports whether an answer says that an add surely had no effect.
func failed(answer eddy.Message) bool {
	code, _ := answer.Body.Get("code").Int()
	return eddy.Code(code).Definite()
}

// On a bad network, with a node cut off for a while and another started anew, a read has all that was
// acknowledged before, and nothing twice.
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
					c.Stop("n2") // what a node knows is in the service
					c.Net.Start("n2", newNode())
				}
				return request(i)
			})
			errors := 0
			for i, a := range answers {
				value, ok := a.Body.Get("value").Int()
				least, most := sums(answers, a.Asked, a.Answered)
				if a.Type == "error" {
					errors++
				} else if isRead(i) && (!ok || value < least || value > most) {
					t.Errorf("read %d has %s, and it is from %d to %d", i, a.Body, least, most)
				}
			}
			if errors == 0 || errors > 100 {
				t.Errorf("%d of 400 requests got errors, want some of those to the node that was cut off", errors)
			}
		})
	}
}

// Of a swap that arrives twice, only the second copy's answer is heard, which says that
// the value is another already.
func TestSwapArrivesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 1, newNode)
		c.Services(1)
		c.Duplicate("n0", "seq-kv", 100)
		lost := false
		c.Script(func(m eddy.Message) eddytest.Fate {
			if m.Type == "cas_ok" && !lost {
				lost = true
				return eddytest.Lost
			}
			return eddytest.Arrives
		})
		if m := c.Client.Call("n0", `{"type":"add","delta":5}`); m.Type != "add_ok" || !lost {
			t.Errorf("answered with %s", m.Body)
		}
		if m := c.Client.Call("n0", `{"type":"read"}`); string(m.Body.Get("value")) != "5" {
			t.Errorf("5 was added, and a read has %s", m.Body)
		}
	})
}

// How many races are lost is chance, by the pauses' jitter. Under this load it comes to
// 5.8 messages for each operation, give or take 0.05, far from where it would round to
// another number.
func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 3, newNode)
		c.Services(1)
		c.Latency(time.Millisecond)
		c.Load(200, 20*time.Second, request)
		challenge.Row(t, "4 Grow-only counter", fmt.Sprintf("%s | %.0f | 3 nodes, 200/s, 1 ms to the service", challenge.Program(t), c.PerOp()))
	})
}

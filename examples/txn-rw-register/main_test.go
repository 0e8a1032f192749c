package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/examples/internal/challenge"
)

// values returns the values that the last two operations of a reply have read.
func values(t *testing.T, answer eddy.Message) [2]string {
	t.Helper()
	var body struct {
		Txn [][3]eddy.Raw `json:"txn"`
	}
	if err := answer.Body.Decode(&body); err != nil || answer.Type() != "txn_ok" || len(body.Txn) < 2 {
		t.Fatalf("reply to a transaction: %s (%v)", answer.Body, err)
	}
	last := body.Txn[len(body.Txn)-2:]
	return [2]string{last[0][2].String(), last[1][2].String()}
}

const read = `{"type":"txn","txn":[["r",1,null],["r",2,null]]}`

// write is a transaction that writes registers 1 and 2, register 1 twice, and a register
// of its own, and reads registers 1 and 2.
func write(value int) string {
	return fmt.Sprintf(`{"type":"txn","txn":[["w",1,-1],["w",2,%d],["w",1,%[1]d],["w","own %[1]d",%[1]d],["r",1,null],["r",2,null]]}`, value)
}

// Every transaction writes the same value to both registers. On a bad network, with a
// node cut off, all transactions get a reply at once, and none reads only a part of
// another one.
func TestReadCommitted(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			c := challenge.Start(t, 3, newNode)
			c.Faults(seed)
			answers := c.Load(100, 4*time.Second, func(i int) any {
				switch i {
				case 100:
					c.Isolate("n1")
				case 300:
					c.Join("n1")
				}
				if isRead(i) {
					return read
				}
				return write(i)
			})
			for i, a := range answers {
				if a.Answered > a.Asked {
					t.Errorf("%s waited for other nodes before its reply %s", a.Src, a.Body)
				}
				got := values(t, a.Message)
				if own := fmt.Sprint(i); got[0] != got[1] || !isRead(i) && got[0] != own {
					t.Errorf("transaction %d has read %s", i, got)
				}
			}
			agree(t, c)
			for i := range answers {
				for _, id := range c.Nodes {
					own := fmt.Sprintf(`{"type":"txn","txn":[["r",1,null],["r","own %d",null]]}`, i)
					if got := values(t, c.Client.Call(id, own)); (got[1] == "null") != isRead(i) {
						t.Errorf("transaction %d: %s has read %s from its own register", i, id, got[1])
					}
				}
			}
		})
	}
}

// isRead reports whether request i is a read. Every node gets reads and writes.
func isRead(i int) bool { return i/3%2 == 0 }

// agree waits until all nodes have all commits, and returns their value.
func agree(t *testing.T, c *challenge.Cluster) string {
	t.Helper()
	time.Sleep(10 * time.Second)
	first := values(t, c.Client.Call("n0", read))
	for _, id := range c.Nodes {
		if got := values(t, c.Client.Call(id, read)); got != first || got[0] != got[1] || got[0] == "null" {
			t.Fatalf("%s has %s, n0 has %s", id, got, first)
		}
	}
	return first[0]
}

// A write of a node that knows another write comes after that write, however many writes
// the clock of the node has counted.
func TestLaterWriteWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 3, newNode)
		value := 0
		for _, id := range []string{"n0", "n1", "n2", "n1", "n0"} {
			for range 5 - value/5 {
				value++
				c.Client.Call(id, write(value))
			}
			if got := agree(t, c); got != fmt.Sprint(value) {
				t.Fatalf("all nodes have %s, but %s wrote %d later", got, id, value)
			}
		}
	})
}

func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 2, newNode)
		c.Latency(5 * time.Millisecond)
		c.Load(1000, 2*time.Second, func(i int) any {
			if i/2%2 == 0 {
				return read
			}
			return write(i)
		})
		agree(t, c)
		challenge.Row(t, "6a, b, c Transactions", fmt.Sprintf("%s | %.2f | 2 nodes, 1000/s", challenge.Program(t), c.PerOp()))
	})
}

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/examples/internal/challenge"
	"github.com/eddyrpc/eddy/internal/txn"
)

// requests returns random transactions. An element is appended once.
func requests(seed uint64) func(i int) any {
	r := rand.New(rand.NewPCG(seed, 0))
	element := 0
	return func(int) any {
		var ops []string
		for range 1 + r.IntN(4) {
			key := r.IntN(5)
			if r.IntN(2) == 0 {
				ops = append(ops, fmt.Sprintf(`["r",%d,null]`, key))
				continue
			}
			element++
			ops = append(ops, fmt.Sprintf(`["append",%d,%d]`, key, element))
		}
		return fmt.Sprintf(`{"type":"txn","txn":[%s]}`, strings.Join(ops, ","))
	}
}

// transactions returns the transactions of requests and their replies, and how many of them
// are done.
func transactions(t *testing.T, asked []string, answers []challenge.Answer) (txns []txn.Txn, done int) {
	for i, a := range answers {
		x := txn.Txn{Name: fmt.Sprintf("T%d", i+1), Process: i % 3, From: a.Asked, To: a.Answered, Outcome: txn.Indefinite}
		body := eddy.Raw(asked[i])
		code, _ := a.Body.Get("code").Int()
		switch {
		case a.Type() == "txn_ok":
			x.Outcome, body = txn.OK, a.Body
			done++
		case eddy.Code(code).Definite():
			x.Outcome = txn.Fail
		}
		ops, err := txn.Parse([]byte(body.Get("txn")))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		x.Ops = ops
		txns = append(txns, x)
	}
	return txns, done
}

// On a bad network, with one node cut off for a while and another one restarted, the
// transactions have snapshot isolation, and write skew shows that they have no more.
func TestSnapshotIsolation(t *testing.T) {
	skews := 0
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			c := challenge.Start(t, 3, newNode)
			c.Services(seed)
			c.Faults(seed)
			request := requests(seed)
			var asked []string
			answers := c.Load(20, 20*time.Second, func(i int) any {
				switch i {
				case 100:
					c.Isolate("n1", "lin-kv")
				case 200:
					c.Join("n1", "lin-kv")
				case 300:
					c.Stop("n2") // the state is in the service
					c.Net.Start("n2", newNode())
				}
				body := request(i)
				asked = append(asked, body.(string))
				return body
			})
			txns, done := transactions(t, asked, answers)
			r := txn.Lists(txns, []txn.Model{"snapshot-isolation"})
			if r.Forbidden > 0 || r.Edges == 0 || done < 250 {
				t.Errorf("%d of %d transactions done, %d dependencies, %+v", done, len(txns), r.Edges, r.Findings)
			}
			skews += txn.Lists(txns, []txn.Model{"serializable"}).Count["G2-item"]
		})
	}
	if skews == 0 {
		t.Error("no test shows write skew")
	}
}

// Two transactions each append to the list that the other one has read. Both commit, and
// neither has seen the other. Two that append to one list see each other.
func TestWriteSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 2, newNode)
		c.Services(1)
		time.Sleep(time.Second + refresh/2) // the first reads came before the service
		ask := func(node, ops string) int64 { return c.Client.Request(node, `{"type":"txn","txn":[`+ops+`]}`) }
		both := func(first, second string) string {
			ids := []int64{ask("n0", first), ask("n1", second)}
			return string(c.Client.Await(ids[0]).Body.Get("txn")) + string(c.Client.Await(ids[1]).Body.Get("txn"))
		}
		if got, want := both(`["r",1,null],["append",2,1]`, `["r",2,null],["append",1,1]`), `[["r",1,[]],["append",2,1]][["r",2,[]],["append",1,1]]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		time.Sleep(2 * refresh)
		got := both(`["r",3,null],["append",3,1]`, `["r",3,null],["append",3,2]`)
		if got != `[["r",3,[]],["append",3,1]][["r",3,[1]],["append",3,2]]` && got != `[["r",3,[2]],["append",3,1]][["r",3,[]],["append",3,2]]` {
			t.Errorf("an update is lost: %s", got)
		}
	})
}

// A node that is cut off replies to transactions that only read, from its snapshot.
func TestReadsWhenCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 2, newNode)
		c.Services(1)
		c.Client.Call("n0", `{"type":"txn","txn":[["append",1,5]]}`)
		time.Sleep(time.Second) // the first reads came before the service
		c.Isolate("n1", "lin-kv")
		c.Client.Call("n0", `{"type":"txn","txn":[["append",1,6]]}`)
		time.Sleep(time.Minute)
		read := func() string {
			return string(c.Client.Call("n1", `{"type":"txn","txn":[["r",1,null],["r",2,null]]}`).Body.Get("txn"))
		}
		if got := read(); got != `[["r",1,[5]],["r",2,[]]]` {
			t.Errorf("cut off: %s", got)
		}
		c.Join("n1", "lin-kv")
		time.Sleep(2 * time.Second)
		if got := read(); got != `[["r",1,[5,6]],["r",2,[]]]` {
			t.Errorf("then: %s", got)
		}
	})
}

func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 3, newNode)
		c.Services(1)
		c.Latency(time.Millisecond)
		c.Load(100, 4*time.Second, requests(1))
		challenge.Row(t, "Snapshot isolation", fmt.Sprintf("%s | %.1f | 3 nodes, 100/s, 1 ms to the service", challenge.Program(t), c.PerOp()))
	})
}

func TestBadTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 1, newNode)
		c.Services(1)
		for _, ops := range []string{`[["x",1,2]]`, `[["append",1,null]]`, `[["append",1,1.5]]`, `7`} {
			m := c.Client.Call("n0", fmt.Sprintf(`{"type":"txn","txn":%s}`, ops))
			if code, _ := m.Body.Get("code").Int(); eddy.Code(code) != eddy.MalformedRequest {
				t.Errorf("%s: %s", ops, m.Body)
			}
		}
	})
}

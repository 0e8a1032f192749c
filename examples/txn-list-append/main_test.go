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

// On a bad network, with one node cut off for a while and another one restarted, the
// transactions are strictly serializable.
func TestStrictlySerializable(t *testing.T) {
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
			var txns []txn.Txn
			done := 0
			for i, a := range answers {
				x := txn.Txn{Name: fmt.Sprintf("T%d", i+1), Process: i, From: a.Asked, To: a.Answered, Outcome: txn.Indefinite}
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
			r := txn.Lists(txns, []txn.Model{txn.StrictSerializable})
			if r.Forbidden > 0 || r.Edges == 0 || done < 250 {
				t.Errorf("%d of %d transactions done, %d dependencies, %+v", done, len(txns), r.Edges, r.Findings)
			}
		})
	}
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

func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := challenge.Start(t, 3, newNode)
		c.Services(1)
		c.Latency(time.Millisecond)
		c.Load(100, 4*time.Second, requests(1))
		challenge.Row(t, "Strict serializability", fmt.Sprintf("%s | %.1f | 3 nodes, 100/s, 1 ms to the service", challenge.Program(t), c.PerOp()))
	})
}

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/examples/internal/challenge"
	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
)

// start starts nodes that have their files in a directory of the test. again makes a node
// for the file of node i.
func start(t *testing.T, count int, seed uint64) (c *challenge.Cluster, again func(i int) *eddy.Node) {
	dir, made := t.TempDir(), uint64(0)
	again = func(i int) *eddy.Node {
		made++ // each incarnation has random numbers of its own
		return newNode(filepath.Join(dir, strconv.Itoa(i)), seed*100+made)
	}
	next := 0
	c = challenge.Start(t, count, func() *eddy.Node {
		next++
		return again(next - 1)
	})
	time.Sleep(2 * time.Second) // for the first election
	return c, again
}

// request returns an operation on one of three keys. Each value is written once.
func request(i int) string {
	key := i / 4 % 3
	switch i % 4 {
	case 0:
		return fmt.Sprintf(`{"type":"write","key":%d,"value":%d}`, key, i)
	case 1:
		return fmt.Sprintf(`{"type":"cas","key":%d,"from":%d,"to":%d}`, key, i-1, i)
	default:
		return fmt.Sprintf(`{"type":"read","key":%d}`, key)
	}
}

// operations makes a history of requests and their replies.
func operations(answers []challenge.Answer) *history.History {
	var ops []history.Op
	for i, a := range answers {
		body := eddy.Raw(request(i))
		op := history.Op{Process: i, Client: "c1", MsgID: int64(i), Outcome: history.OK, From: a.Asked, To: a.Answered}
		op.F, _ = body.Get("type").Text()
		op.Key, _ = body.Get("key").Int()
		op.Value, op.Result = jsontext.Value(body.Get("value")), jsontext.Value(a.Body.Get("value"))
		if op.F == "cas" {
			op.Value = fmt.Appendf(nil, "[%s,%s]", body.Get("from"), body.Get("to"))
		}
		if a.Type() == "error" {
			op.Code, _ = a.Body.Get("code").Int()
			if op.Outcome = history.Indefinite; history.IsDefinite(op.Code) {
				op.Outcome = history.Fail
			}
		}
		ops = append(ops, op)
	}
	return history.Of(ops...)
}

// On a bad network, while every node is cut off and restarted in turn, the leader too, the
// operations are linearizable, and most of them succeed.
func TestLinearizable(t *testing.T) {
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			c, again := start(t, 5, seed)
			c.Faults(seed)
			answers := c.Load(40, 25*time.Second, func(i int) any {
				node := c.Nodes[i/200%5]
				switch i % 200 {
				case 40:
					c.Isolate(node)
				case 120:
					c.Join(node)
				case 160:
					c.Stop(node)
					c.Net.Start(node, again(i/200%5))
				}
				return eddy.Raw(request(i))
			})
			h := operations(answers)
			for _, p := range checker.Linear(h, time.Minute) {
				t.Errorf("seed %d: %s: %s", seed, p.Check, p.Text)
			}
			done := 0
			for op := range h.All() {
				if op.Outcome == history.OK || op.Code == 20 || op.Code == 22 {
					done++
				}
			}
			if done < 700 {
				t.Errorf("seed %d: %d of %d operations were done", seed, done, len(answers))
			}
		})
	}
}

// Values are there after all nodes were restarted.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, again := start(t, 3, 1)
		c.Client.Call("n0", `{"type":"write","key":1,"value":[1, "x"]}`)
		for i, node := range c.Nodes {
			c.Stop(node)
			c.Net.Start(node, again(i))
		}
		time.Sleep(2 * time.Second)
		for _, node := range c.Nodes {
			if m := c.Client.Call(node, `{"type":"read","key":1}`); string(m.Body.Get("value")) != `[1,"x"]` {
				t.Errorf("%s: %s", node, m.Body)
			}
		}
	})
}

// A node without a majority replies with 11, and has no effect.
func TestMinority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := start(t, 3, 1)
		for _, node := range c.Nodes { // one of them is the leader
			c.Isolate(node)
			time.Sleep(2 * time.Second)
			if code, _ := c.Client.Call(node, `{"type":"write","key":1,"value":1}`).Body.Get("code").Int(); code != 11 {
				t.Errorf("%s alone replies with code %d", node, code)
			}
			c.Join(node)
			time.Sleep(2 * time.Second)
		}
		if code, _ := c.Client.Call("n0", `{"type":"read","key":1}`).Body.Get("code").Int(); code != 20 {
			t.Errorf("then the key has a value, or code %d", code)
		}
	})
}

func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := start(t, 3, 1)
		for i, call := range []struct{ request, want string }{
			{`{"type":"read","key":1}`, `{"type":"error","code":20,"text":"key 1 does not exist"}`},
			{`{"type":"cas","key":1,"from":1,"to":2}`, `{"type":"error","code":20,"text":"key 1 does not exist"}`},
			{`{"type":"write","key":1,"value":1}`, `{"type":"write_ok"}`},
			{`{"type":"cas","key":1,"from":1,"to":2}`, `{"type":"cas_ok"}`},
			{`{"type":"cas","key":1,"from":1,"to":3}`, `{"type":"error","code":22,"text":"the value is 2, not 1"}`},
			{`{"type":"read","key":1}`, `{"type":"read_ok","value":2}`},
			{`{"type":"read","key":"1"}`, `{"type":"error","code":20,"text":"key \"1\" does not exist"}`},
			{`{"type":"read"}`, `{"type":"error","code":12,"text":"a field is missing"}`},
			{`{"type":"write","key":1}`, `{"type":"error","code":12,"text":"a field is missing"}`},
			{`{"type":"cas","key":1,"to":1}`, `{"type":"error","code":12,"text":"a field is missing"}`},
		} {
			reply := string(c.Client.Call(c.Nodes[i%3], call.request).Body)
			if got, _, _ := strings.Cut(reply, `,"in_reply_to"`); got+"}" != call.want {
				t.Errorf("%s\ngot  %s\nwant %s", call.request, reply, call.want)
			}
		}
	})
}

// A proposal that arrives twice has one effect.
func TestAppliedOnce(t *testing.T) {
	s := store{map[string]eddy.Raw{}, map[string]bool{}}
	first := &command{ID: "1", Op: "write", Key: eddy.Raw("1"), Value: eddy.Raw("1")}
	for _, c := range []*command{first, {ID: "2", Op: "write", Key: eddy.Raw("1"), Value: eddy.Raw("2")}, nil, first} {
		s.take(c)
	}
	if got := string(s.values["1"]); got != "2" {
		t.Errorf("the value is %s, want 2", got)
	}
}

func TestDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := newCluster(nil, nil, nil)
	load := func() (*raft, *disk) {
		r := newRaft("s1", nodes, rand.New(rand.NewPCG(1, 1)), c.now)
		d, err := open(path, r)
		if err != nil {
			t.Fatal(err)
		}
		return r, d
	}
	save := func(r *raft, d *disk) {
		if err := d.save(r); err != nil {
			t.Fatal(err)
		}
	}
	r, d := load()
	r.onAppend(c.now, appendRequest{Term: 2, Leader: "s2", Entries: entries(1, 1, 2)})
	save(r, d)
	r.onAppend(c.now, appendRequest{Term: 3, Leader: "s3", PrevIndex: 1, PrevTerm: 1, Entries: entries(1, 3)[1:]})
	save(r, d)
	r.onVote(c.now, voteRequest{Term: 4, Candidate: "s3", LastIndex: 9, LastTerm: 3})
	save(r, d)
	d.file.WriteString(`{"index":3,"entr`) // the node is killed here
	for range 2 {
		r, d = load()
		if r.term != 4 || r.vote != "s3" || fmt.Sprint(terms(r.log)) != "[1 3]" || r.log[1].Command.ID != "3/2" {
			t.Errorf("loaded: term %d, vote %q, log %v", r.term, r.vote, terms(r.log))
		}
		save(r, d)
	}
	r.log = append(r.log, entry{4, nil})
	save(r, d)
	if r, _ = load(); fmt.Sprint(terms(r.log)) != "[1 3 4]" {
		t.Errorf("loaded after the rest of a line was removed: %v", terms(r.log))
	}
	if err := os.WriteFile(path, []byte(`{"index":2,"entry":{"term":1}}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := open(path, newRaft("s1", nodes, rand.New(rand.NewPCG(1, 1)), c.now)); err == nil {
		t.Error("a file without the first entry was opened")
	}
}

func TestCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := start(t, 3, 1)
		c.Latency(time.Millisecond)
		c.Load(200, 2*time.Second, func(i int) any { return eddy.Raw(request(i)) })
		challenge.Row(t, "Raft", fmt.Sprintf("%s | %.0f | 3 nodes, 200/s, 1 ms from node to node", challenge.Program(t), c.PerOp()))
	})
}

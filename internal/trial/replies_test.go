package trial

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// A desk is a test without processes: a test function asks in the names of clients,
// and answers in the name of the nodes.
type desk struct {
	t *testing.T
	*Trial
}

func newDesk(t *testing.T, name string, network sim.Config) *desk {
	spec, err := workload.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	network.Seed = 1
	d := New(&Config{Spec: spec, Nodes: []string{"n1", "n2"}, Network: network}, noProcesses{})
	for _, n := range d.nodes {
		n.state, n.incarnation = up, newIncarnation(1)
	}
	return &desk{t, d}
}

// noProcesses do nothing.
type noProcesses struct{}

func (noProcesses) Start(int, bool) int   { return 1 }
func (noProcesses) Send(int, []byte) bool { return true }
func (noProcesses) Queued(int) int        { return 0 }
func (noProcesses) Pause(int)             {}
func (noProcesses) Resume(int)            {}
func (noProcesses) Kill(int)              {}
func (noProcesses) End()                  {}

// ask sends a client's request to a node. words are the function, the key and values.
func (d *desk) ask(node string, words ...any) *client {
	req := workload.Request{F: words[0].(string), Node: node}
	req.Type, req.Want = req.F, req.F+"_ok"
	switch req.F {
	case "broadcast":
		req.Value, req.Key = fmt.Append(nil, words[1]), int64(words[1].(int))
	case "echo":
		req.Value = fmt.Append(nil, words[1])
	case "write":
		req.Key, req.Value = int64(words[1].(int)), fmt.Append(nil, words[2])
	case "cas":
		req.Key, req.Value = int64(words[1].(int)), fmt.Appendf(nil, "[%v,%v]", words[2], words[3])
	case "read":
		if len(words) > 1 {
			req.Key = int64(words[1].(int))
		}
	}
	req.Body = fmt.Appendf(nil, `{"type":%q}`, req.F)
	c := d.newClient(d.byName[node])
	d.request(c, req)
	d.wait(time.Millisecond)
	return &client{name: c.name, node: c.node, id: c.id} // the trial may rename its own
}

// answer writes a reply of the client's node.
func (d *desk) answer(c *client, body string) {
	m, err := message.New(c.node.name, c.name, []byte(fmt.Sprintf("%s,\"in_reply_to\":%d}", strings.TrimSuffix(body, "}"), c.id)))
	if err != nil {
		d.t.Fatal(err)
	}
	line := message.Append(nil, m.Src, m.Dest, m.Body)
	d.Wrote(d.now, c.node.index, &Line{Incarnation: c.node.incarnation.number, Text: line, Size: int64(len(line))})
}

// wait delivers what is due within a time.
func (d *desk) wait(t time.Duration) {
	for end := d.now + t; d.now < end; d.now += time.Millisecond {
		for {
			m, ok := d.net.Due(d.now)
			if !ok {
				break
			}
			if n := d.byName[m.Dest]; n != nil {
				d.countRequest(n, &m)
			} else {
				d.deliver(&m)
			}
		}
		d.checkTimeouts()
	}
}

// do asks, gets the answer at once, and waits until it is delivered.
func (d *desk) do(node, reply string, words ...any) {
	c := d.ask(node, words...)
	d.answer(c, reply)
	d.wait(10 * time.Millisecond)
}

// restart starts a node that was killed.
func (d *desk) restart(name string) {
	n := d.byName[name]
	n.incarnation, n.state = n.incarnation.next(n.incarnation.number+1), up
	d.net.Started(name, n.incarnation.number, d.now)
}

// finalReads lets both nodes answer reads of the final phase.
func (d *desk) finalReads(n1, n2 string) {
	d.inFinal = true
	d.do("n1", n1, "read")
	d.do("n2", n2, "read")
}

// found returns the checks that found something.
func (d *desk) found() string {
	problems, _ := d.load.Check(workload.Record{History: d.history, Journal: d.net.Journal(), End: d.now})
	var names []string
	for _, p := range problems {
		names = append(names, p.Check)
		d.t.Log(p.Text)
	}
	for _, v := range d.violations.all {
		names = append(names, v.Kind)
	}
	return strings.Join(names, " ")
}

var (
	// slow keeps the replies of n1 under way, and far the requests to n1. lossy loses the
	// replies of n1. twice delivers the requests to n1 twice.
	slow  = special("n1", sim.AnyClient, sim.LinkConfig{Latency: new(sim.Constant(time.Minute))})
	far   = special(sim.AnyClient, "n1", sim.LinkConfig{Latency: new(sim.Constant(time.Minute))})
	lossy = special("n1", sim.AnyClient, sim.LinkConfig{Loss: new(1.0)})
	twice = special(sim.AnyClient, "n1", sim.LinkConfig{Duplicate: new(1.0)})
)

func special(from, to string, link sim.LinkConfig) sim.Config {
	return sim.Config{Links: map[sim.Link]sim.LinkConfig{{From: from, To: to}: link}}
}

const acknowledged, busy = `{"type":"broadcast_ok"}`, `{"type":"error","code":11}`

// What a node wrote counts, also if its client has given up.
func TestRepliesThatNobodyWaitsFor(t *testing.T) {
	for _, test := range []struct {
		name, workload string
		network        sim.Config
		do             func(*desk)
		want           string
	}{
		{"an id is given twice and the replies are under way when the node is killed", "unique-ids", slow, func(d *desk) {
			a, b := d.ask("n1", "generate"), d.ask("n1", "generate")
			d.answer(a, `{"type":"generate_ok","id":7}`)
			d.answer(b, `{"type":"generate_ok","id":7}`)
			d.kill(d.byName["n1"])
		}, "duplicate-id"},
		{"the lines are read after the kill", "unique-ids", slow, func(d *desk) {
			a, b := d.ask("n1", "generate"), d.ask("n1", "generate")
			d.kill(d.byName["n1"])
			d.answer(a, `{"type":"generate_ok","id":7}`)
			d.answer(b, `{"type":"generate_ok","id":7}`)
		}, "duplicate-id"},
		{"the test ends first", "unique-ids", slow, func(d *desk) {
			a, b := d.ask("n1", "generate"), d.ask("n1", "generate")
			d.answer(a, `{"type":"generate_ok","id":7}`)
			d.answer(b, `{"type":"generate_ok","id":7}`)
			d.judgeOpen()
		}, "duplicate-id"},
		{"a reply is lost", "unique-ids", lossy, func(d *desk) {
			d.do("n1", `{"type":"generate_ok","id":7}`, "generate")
			d.do("n2", `{"type":"generate_ok","id":7}`, "generate")
			d.wait(10 * time.Second)
		}, "duplicate-id"},
		{"a wrong echo is lost", "echo", lossy, func(d *desk) {
			d.do("n1", `{"type":"echo_ok","echo":"b"}`, "echo", `"a"`)
			d.wait(10 * time.Second)
		}, "wrong-echo"},
		{"a reply without an echo is lost", "echo", lossy, func(d *desk) {
			d.do("n2", `{"type":"echo_ok","echo":"a"}`, "echo", `"a"`)
			d.do("n1", `{"type":"echo_ok"}`, "echo", `"a"`)
			d.wait(10 * time.Second)
		}, "wrong-body"},
		{"a broadcast is acknowledged late and lost", "broadcast", sim.Config{}, func(d *desk) {
			d.do("n1", acknowledged, "broadcast", 1)
			late := d.ask("n1", "broadcast", 2)
			d.wait(10 * time.Second)
			d.answer(late, acknowledged)
			d.wait(time.Second)
			d.finalReads(`{"type":"read_ok","messages":[1]}`, `{"type":"read_ok","messages":[1,2]}`)
		}, "lost"},
		{"a broadcast is acknowledged late and kept", "broadcast", sim.Config{}, func(d *desk) {
			late := d.ask("n1", "broadcast", 2)
			d.wait(10 * time.Second)
			d.answer(late, acknowledged)
			d.finalReads(`{"type":"read_ok","messages":[2]}`, `{"type":"read_ok","messages":[2]}`)
		}, ""},
		{"a late read of what nobody has broadcast", "broadcast", sim.Config{}, func(d *desk) {
			late := d.ask("n1", "read")
			d.wait(10 * time.Second)
			d.answer(late, `{"type":"read_ok","messages":[1,99]}`)
			d.do("n1", acknowledged, "broadcast", 1)
			d.finalReads(`{"type":"read_ok","messages":[1]}`, `{"type":"read_ok","messages":[1]}`)
		}, "invented"},
		{"a value is read late that nobody wrote", "lin-kv", sim.Config{}, func(d *desk) {
			d.do("n1", `{"type":"write_ok"}`, "write", 1, 3)
			late := d.ask("n1", "read", 1)
			d.wait(10 * time.Second)
			d.answer(late, `{"type":"read_ok","value":4}`)
		}, "not-linearizable"},
		{"a write is acknowledged late and was not done", "lin-kv", sim.Config{}, func(d *desk) {
			d.do("n1", `{"type":"write_ok"}`, "write", 1, 3)
			late := d.ask("n1", "write", 1, 4)
			d.wait(10 * time.Second)
			d.answer(late, `{"type":"write_ok"}`)
			d.wait(time.Second)
			d.do("n1", `{"type":"read_ok","value":3}`, "read", 1)
		}, "not-linearizable"},
		{"a late write was done before it was acknowledged", "lin-kv", sim.Config{}, func(d *desk) {
			d.do("n1", `{"type":"write_ok"}`, "write", 1, 3)
			late := d.ask("n1", "write", 1, 4)
			d.wait(10 * time.Second)
			d.do("n1", `{"type":"read_ok","value":3}`, "read", 1)
			d.answer(late, `{"type":"write_ok"}`)
			d.do("n1", `{"type":"read_ok","value":4}`, "read", 1)
		}, ""},
		{"a write fails late and was done", "lin-kv", sim.Config{}, func(d *desk) {
			late := d.ask("n1", "write", 1, 4)
			d.wait(10 * time.Second)
			d.answer(late, busy)
			d.do("n1", `{"type":"read_ok","value":4}`, "read", 1)
		}, "not-linearizable"},
		{"the second reply repeats another id", "unique-ids", twice, func(d *desk) {
			d.do("n2", `{"type":"generate_ok","id":7}`, "generate")
			a := d.ask("n1", "generate")
			d.answer(a, `{"type":"generate_ok","id":8}`)
			d.wait(time.Second)
			d.answer(a, `{"type":"generate_ok","id":7}`)
		}, "duplicate-id"},
		{"the second reply overtakes the first", "unique-ids", twice, func(d *desk) {
			d.do("n2", `{"type":"generate_ok","id":7}`, "generate")
			a := d.ask("n1", "generate")
			d.answer(a, `{"type":"generate_ok","id":8}`)
			d.answer(a, `{"type":"generate_ok","id":7}`)
			d.wait(time.Second)
		}, "duplicate-id"},
		{"both copies get the same id", "unique-ids", twice, func(d *desk) {
			a := d.ask("n1", "generate")
			d.answer(a, `{"type":"generate_ok","id":7}`)
			d.wait(time.Second)
			d.answer(a, `{"type":"generate_ok","id":7}`)
		}, ""},
		{"the second read returns what nobody wrote", "lin-kv", twice, func(d *desk) {
			a := d.ask("n1", "read", 1)
			d.answer(a, `{"type":"read_ok","value":null}`)
			d.wait(time.Second)
			d.answer(a, `{"type":"read_ok","value":5}`)
		}, "not-linearizable"},
		{"the second copy of a read does not find the key", "lin-kv", twice, func(d *desk) {
			d.do("n2", `{"type":"write_ok"}`, "write", 1, 3)
			a := d.ask("n1", "read", 1)
			d.answer(a, `{"type":"read_ok","value":3}`)
			d.wait(time.Second)
			d.answer(a, `{"type":"error","code":20}`)
		}, "not-linearizable"},
		{"both copies of a cas are executed", "lin-kv", twice, func(d *desk) {
			d.do("n2", `{"type":"write_ok"}`, "write", 1, 3)
			a := d.ask("n1", "cas", 1, 3, 4)
			d.answer(a, `{"type":"cas_ok"}`)
			d.answer(a, `{"type":"error","code":22}`)
			d.wait(time.Second)
			d.do("n2", `{"type":"read_ok","value":4}`, "read", 1)
		}, ""},
		{"one copy of a cas is executed, and gets two replies", "lin-kv", twice, func(d *desk) {
			d.do("n2", `{"type":"write_ok"}`, "write", 1, 3)
			a := d.ask("n1", "cas", 1, 3, 4)
			d.answer(a, `{"type":"cas_ok"}`)
			d.wait(time.Second)
			d.answer(a, `{"type":"cas_ok"}`)
		}, ""},
		{"the first copy fails and the second does not", "broadcast", twice, func(d *desk) {
			a := d.ask("n1", "broadcast", 1)
			d.answer(a, busy)
			d.wait(time.Second)
			d.answer(a, acknowledged)
			d.finalReads(`{"type":"read_ok","messages":[1]}`, `{"type":"read_ok","messages":[1]}`)
		}, ""},
		{"the first copy fails, the second does not, and the element is lost", "broadcast", twice, func(d *desk) {
			a := d.ask("n1", "broadcast", 1)
			d.answer(a, busy)
			d.wait(time.Second)
			d.answer(a, acknowledged)
			d.finalReads(`{"type":"read_ok","messages":[]}`, `{"type":"read_ok","messages":[]}`)
		}, "lost lost"},
		{"the first copy fails and the second is executed without a reply", "lin-kv", twice, func(d *desk) {
			d.do("n2", `{"type":"write_ok"}`, "write", 1, 3)
			d.do("n1", busy, "write", 1, 4)
			d.do("n2", `{"type":"read_ok","value":4}`, "read", 1)
		}, ""},
		{"both copies fail and one is executed", "lin-kv", twice, func(d *desk) {
			d.do("n2", `{"type":"write_ok"}`, "write", 1, 3)
			a := d.ask("n1", "write", 1, 4)
			d.answer(a, busy)
			d.wait(time.Second)
			d.answer(a, busy)
			d.do("n2", `{"type":"read_ok","value":4}`, "read", 1)
		}, "not-linearizable"},
		{"a durable queue replies after its node was killed", "lin-kv", sim.Config{}, func(d *desk) {
			a := d.ask("n1", "write", 1, 3)
			d.kill(d.byName["n1"])
			d.do("n2", `{"type":"error","code":20}`, "read", 1)
			d.restart("n1")
			d.answer(a, `{"type":"write_ok"}`)
			d.wait(time.Second)
			d.do("n2", `{"type":"read_ok","value":3}`, "read", 1)
		}, ""},
		{"it replies twice, because the first reply may not have got out", "lin-kv", slow, func(d *desk) {
			a := d.ask("n1", "write", 1, 3)
			d.answer(a, `{"type":"write_ok"}`)
			d.kill(d.byName["n1"])
			d.restart("n1")
			d.answer(a, `{"type":"write_ok"}`)
		}, ""},
		{"it replies twice in one incarnation", "lin-kv", sim.Config{}, func(d *desk) {
			a := d.ask("n1", "write", 1, 3)
			d.kill(d.byName["n1"])
			d.restart("n1")
			d.answer(a, `{"type":"write_ok"}`)
			d.answer(a, `{"type":"write_ok"}`)
		}, "extra-reply"},
		{"another node replies instead", "echo", sim.Config{}, func(d *desk) {
			a := d.ask("n1", "echo", `"a"`)
			d.answer(&client{name: a.name, node: d.byName["n2"], id: a.id}, `{"type":"echo_ok","echo":"a"}`)
			d.wait(10 * time.Millisecond)
		}, ""},
		{"another node replies, too", "echo", sim.Config{}, func(d *desk) {
			a := d.ask("n1", "echo", `"a"`)
			d.answer(a, `{"type":"echo_ok","echo":"a"}`)
			d.answer(&client{name: a.name, node: d.byName["n2"], id: a.id}, `{"type":"echo_ok","echo":"a"}`)
			d.wait(10 * time.Millisecond)
		}, "extra-reply"},
		{"it loses what it acknowledges after the kill", "lin-kv", sim.Config{}, func(d *desk) {
			a := d.ask("n1", "write", 1, 3)
			d.kill(d.byName["n1"])
			d.restart("n1")
			d.answer(a, `{"type":"write_ok"}`)
			d.wait(time.Second)
			d.do("n2", `{"type":"error","code":20}`, "read", 1)
		}, "not-linearizable"},
		{"a reply to a request that no process got", "echo", far, func(d *desk) {
			a := d.ask("n1", "echo", `"a"`)
			d.kill(d.byName["n1"])
			d.restart("n1")
			d.answer(a, `{"type":"echo_ok","echo":"a"}`)
		}, "unrequested-reply"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, test.workload, test.network)
			test.do(d)
			if got := d.found(); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

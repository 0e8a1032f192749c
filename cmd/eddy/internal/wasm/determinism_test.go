package wasm

import (
	"bytes"
	"container/heap"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func split(s string) (lines [][]byte) {
	for line := range strings.SplitSeq(s, "\n") {
		lines = append(lines, []byte(line))
	}
	return lines
}

// sorted returns the lines in order.
func sorted(lines [][]byte) string {
	lines = slices.Clone(lines)
	slices.SortFunc(lines, bytes.Compare)
	return string(join(lines))
}

// A delivery is a line that arrives at a node.
type delivery struct {
	at     time.Duration
	number int
	dest   string
	line   []byte
}

// deliveries is a heap.
type deliveries []delivery

func (d deliveries) Len() int { return len(d) }
func (d deliveries) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && d[i].number < d[j].number
}
func (d deliveries) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *deliveries) Push(x any)   { *d = append(*d, x.(delivery)) }
func (d *deliveries) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// A cluster is a network of nodes in virtual time: each message takes 10 ms.
type cluster struct {
	t       testing.TB
	names   []string
	nodes   map[string]*Process
	queue   deliveries
	sent    int
	log     strings.Builder // all messages
	replies map[string]int  // to clients, by type
}

func newCluster(t testing.TB, program *Program, n int, seed uint64) *cluster {
	c := &cluster{t: t, nodes: map[string]*Process{}, replies: map[string]int{}}
	for i := range n {
		name := fmt.Sprintf("n%d", i)
		c.names = append(c.names, name)
		c.nodes[name] = program.Start(Config{Args: []string{"node"}, Seed: seed + uint64(i)})
	}
	return c
}

func (c *cluster) kill() {
	for _, p := range c.nodes {
		p.Kill()
	}
}

// send puts a message into the network.
func (c *cluster) send(at time.Duration, dest string, line []byte) {
	heap.Push(&c.queue, delivery{at, c.sent, dest, line})
	c.sent++
}

// run runs the cluster until a time. All nodes run at the times at which one of them has
// something to do.
func (c *cluster) run(until time.Duration) {
	for now := time.Duration(0); now <= until; now = c.next(until) {
		for len(c.queue) > 0 && c.queue[0].at <= now {
			d := heap.Pop(&c.queue).(delivery)
			c.nodes[d.dest].Write(append(d.line, '\n'))
		}
		for _, name := range c.names {
			if err := c.nodes[name].Run(now); err != nil {
				c.t.Fatal(err)
			}
			for _, line := range c.nodes[name].Lines() {
				c.receive(now, line)
			}
		}
	}
}

// next returns the next time at which something happens.
func (c *cluster) next(until time.Duration) time.Duration {
	next := until + 1
	if len(c.queue) > 0 {
		next = c.queue[0].at
	}
	for _, p := range c.nodes {
		if wake, ok := p.Wake(); ok {
			next = min(next, wake)
		}
	}
	return next
}

// receive takes a line from a node.
func (c *cluster) receive(now time.Duration, line []byte) {
	fmt.Fprintf(&c.log, "%v %s\n", now, line)
	var m struct {
		Dest string
		Body struct{ Type string }
	}
	if err := json.Unmarshal(line, &m); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	if c.nodes[m.Dest] == nil {
		c.replies[m.Body.Type]++
		return
	}
	c.send(now+10*time.Millisecond, m.Dest, line)
}

// broadcasts starts a cluster of broadcast nodes in a line and plans n broadcasts.
func broadcasts(t testing.TB, nodes, n int, every time.Duration, seed uint64) *cluster {
	c := newCluster(t, compileGo(t, broadcast), nodes, seed)
	ids, topology := must(json.Marshal(c.names)), map[string][]string{}
	for i, name := range c.names {
		if i > 0 {
			topology[name] = append(topology[name], c.names[i-1])
			topology[c.names[i-1]] = append(topology[c.names[i-1]], name)
		}
	}
	for _, name := range c.names {
		c.send(0, name, fmt.Appendf(nil, `{"src":"c1","dest":%q,"body":{"type":"init","msg_id":1,"node_id":%q,"node_ids":%s}}`, name, name, ids))
		c.send(0, name, fmt.Appendf(nil, `{"src":"c1","dest":%q,"body":{"type":"topology","msg_id":2,"topology":%s}}`, name, must(json.Marshal(topology))))
	}
	for i := range n {
		name := c.names[i%nodes]
		c.send(time.Second+time.Duration(i)*every, name,
			fmt.Appendf(nil, `{"src":"c1","dest":%q,"body":{"type":"broadcast","msg_id":%d,"message":%d}}`, name, i+3, i))
	}
	return c
}

// Each value that one of three nodes gets reaches all, in virtual time.
func TestCluster(t *testing.T) {
	c := broadcasts(t, 3, 20, 30*time.Millisecond, 1)
	defer c.kill()
	c.run(5 * time.Second)
	if c.replies["init_ok"] != 3 || c.replies["broadcast_ok"] != 20 {
		t.Errorf("clients got %v", c.replies)
	}
	for _, p := range c.nodes {
		reply := exchange(t, p, 6*time.Second, `{"src":"c1","dest":"n","body":{"type":"read","msg_id":100}}`+"\n")
		var body struct{ Body struct{ Messages []int } }
		if err := json.Unmarshal([]byte(reply), &body); err != nil || len(body.Body.Messages) != 20 {
			t.Errorf("a node has %s", reply)
		}
	}
}

const transcriptVariable = "EDDY_WASM_TEST_TRANSCRIPT"

// transcript runs programs that see much of the world and returns all that they wrote.
func transcript(t *testing.T, seed uint64) string {
	var all strings.Builder
	for _, program := range []string{"world", "files"} {
		p := startTest(t, Config{Disk: openDisk(t, t.TempDir()), Env: []string{"A=b=c"}, Seed: seed}, program)
		all.WriteString(runToEnd(t, p))
		all.Write(join(p.ErrorLines()))
	}
	c := broadcasts(t, 3, 20, 7*time.Millisecond, seed)
	defer c.kill()
	c.run(3 * time.Second)
	all.WriteString(c.log.String())
	return all.String()
}

// The same inputs give the same outputs, byte for byte, in processes with one and with four
// processors; another seed gives other outputs.
func TestDeterminism(t *testing.T) {
	if file := os.Getenv(transcriptVariable); file != "" {
		if err := os.WriteFile(file, []byte(transcript(t, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	here := transcript(t, 1)
	for _, processors := range []string{"1", "4"} {
		file := t.TempDir() + "/transcript"
		again := exec.Command(must(os.Executable()), "-test.run=^TestDeterminism$")
		again.Env = append(os.Environ(), "GOMAXPROCS="+processors, modulesVariable+"="+modules, transcriptVariable+"="+file)
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if there := string(must(os.ReadFile(file))); there != here {
			t.Errorf("GOMAXPROCS=%s: another output:\n%s\n%s", processors, there, here)
		}
	}
	if transcript(t, 2) == here {
		t.Error("the seed changes nothing")
	}
}

// Package eddytest tests nodes in go test, in virtual time.
//
// [Check] runs a whole test, as the command eddy test does: clients send the requests of a
// workload, the network and the nodes have faults, what came out is checked. It does so with
// many seeds, and shows the smallest case that fails.
//
//	func TestBroadcast(t *testing.T) {
//		eddytest.Check(t, newNode, eddytest.Test{
//			Workload: "broadcast", Nodes: 5, Latency: "exponential:50ms", Loss: 0.1, Nemesis: "partition",
//		})
//	}
//
// A [Net] is for tests that are written message by message. It is a network in memory that
// carries messages between nodes and the clients of the test. It loses, delays and duplicates
// messages, and cuts links, as the test says.
//
// Use a Net inside [testing/synctest], where time is virtual: a call that times out three times
// takes no real time, and all runs of a test are the same.
//
//	func TestRetry(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			net := eddytest.New(t, "n1", "n2")
//			net.Start("n1", newNode())
//			net.Start("n2", newNode())
//			net.Lose("n1", "n2", 1) // the next message from n1 to n2
//			reply := net.Client("c1").Call("n1", `{"type":"get","key":"k"}`)
//			...
//		})
//	}
//
// A [Client] sends and receives messages as the test says. It is a client of the nodes, or
// takes the place of a node. [Net.Lose], [Net.Duplicate], [Net.Delay] and [Net.Cut] are the
// faults that most tests need. [Net.Script] decides the fate of each message. [Net.Services]
// adds lin-kv and the other services. [Net.Journal] returns what was sent; the log of a test
// that fails has it too.
//
// # Mutexes and virtual time
//
// In synctest, time does not pass while a goroutine waits for a mutex. If a handler holds a
// mutex across a call, and another handler waits for that mutex, the call never times out and
// the test hangs. Test such handlers on the real clock: leave out synctest.Test and nothing
// else, and wait for events (a channel, a reply), never for an amount of time.
// TestLockAcrossCall in this package is an example. Handlers that wait for channels, calls or
// time.Sleep work in virtual time.
package eddytest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
)

// A Net is a network. Messages arrive at once and in order unless the test says otherwise. Its
// methods may be called from any goroutine, except those that wait (Start, Stop, and Call,
// Await and Receive of a client). These call Fatal when they wait too long, so call them from
// the goroutine of the test.
type Net struct {
	t     testing.TB
	ids   []string // of all nodes, for init
	start time.Time

	nodes    sync.WaitGroup
	handlers sync.WaitGroup // of clients

	mu      sync.Mutex // guards what follows
	places  map[string]place
	links   map[[2]string]*link
	script  func(eddy.Message) Fate
	flight  []*flying // by the time of their arrival
	journal []Entry
}

// A place is where messages arrive: the port of a node, or a client. mu of the Net is held
// when its methods are called.
type place interface {
	arrive(m eddy.Message, line []byte)
	end()
}

// New returns a network for a test. At the end of the test the input of every node ends, and
// the nodes drain. If the test has failed, the last part of the journal is logged. ids are the
// names of the nodes of the cluster, which init gives to each node. Not all of them need to be
// started.
func New(t testing.TB, ids ...string) *Net {
	n := &Net{
		t: t, ids: ids, start: time.Now(),
		places: make(map[string]place),
		links:  make(map[[2]string]*link),
	}
	t.Cleanup(n.end)
	return n
}

// Start runs a node with this name, sends it init and waits for init_ok. No fault affects these
// two messages. A node without a Log logs to the output of the test.
func (n *Net) Start(name string, node *eddy.Node) {
	n.t.Helper()
	if node.Log == nil {
		node.Log = slog.New(slog.NewTextHandler(n.t.Output(), nil)).With("node", name)
	}
	transport := n.Join(name)
	n.nodes.Go(func() {
		if err := node.Serve(context.Background(), transport); err != nil {
			n.t.Errorf("eddytest: %s: %v", name, err)
		}
	})
	tester := n.Client("init-" + name)
	tester.spared = true
	reply := tester.Call(name, map[string]any{"type": "init", "node_id": name, "node_ids": n.nodeIDs(name)})
	if reply.Type() != "init_ok" {
		n.t.Fatalf("eddytest: the reply of %s to init is %s", name, reply.Body)
	}
	n.mu.Lock()
	delete(n.places, tester.name)
	n.mu.Unlock()
}

// nodeIDs returns the names of all nodes, this one included.
func (n *Net) nodeIDs(name string) []string {
	if slices.Contains(n.ids, name) {
		return n.ids
	}
	return append(slices.Clone(n.ids), name)
}

// Stop ends the input of a node and waits until the node has drained and ended. Then another
// node may be started with its name.
func (n *Net) Stop(name string) {
	n.t.Helper()
	n.mu.Lock()
	p, ok := n.places[name].(*port)
	if ok {
		p.end()
	}
	n.mu.Unlock()
	if !ok {
		n.t.Fatalf("eddytest: there is no node %s", name)
	}
	<-p.left
}

// Join returns a transport for a node that the test itself serves, and to which it itself
// sends init. Start is simpler. Node.Serve closes the transport at its end. A test that serves
// the node in another way must close it, so that Stop returns.
func (n *Net) Join(name string) eddy.Transport {
	n.t.Helper()
	p := &port{net: n, name: name, left: make(chan struct{})}
	p.changed.L = &n.mu
	n.enter(name, p)
	return p
}

// enter makes messages to name arrive at p.
func (n *Net) enter(name string, p place) {
	n.t.Helper()
	n.mu.Lock()
	_, taken := n.places[name]
	if !taken {
		n.places[name] = p
	}
	n.mu.Unlock()
	if taken {
		n.t.Fatalf("eddytest: the name %s is taken", name)
	}
}

// end ends everything. While the nodes drain, messages still arrive.
func (n *Net) end() {
	n.endAll(func(p place) bool { _, isNode := p.(*port); return isNode })
	n.nodes.Wait()
	n.endAll(func(place) bool { return true })
	n.handlers.Wait()
	if n.t.Failed() {
		n.t.Logf("eddytest: the last 100 messages:\n%s", n.tail(100))
	}
}

func (n *Net) endAll(which func(place) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.places {
		if which(p) {
			p.end()
		}
	}
}

// send sends a message and adds it to the journal.
func (n *Net) send(m eddy.Message, line []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spares(m) {
		n.deliver(m, line)
		return
	}
	fate := n.fate(m)
	n.journal = append(n.journal, Entry{time.Since(n.start), m, fate})
	for _, delay := range fate {
		if delay <= 0 {
			n.deliver(m, line)
			continue
		}
		f := &flying{m, line, time.Now().Add(delay)}
		// After those that arrive at the same time and were sent earlier.
		i, _ := slices.BinarySearchFunc(n.flight, f, func(a, b *flying) int {
			if a.at.After(b.at) {
				return 1
			}
			return -1
		})
		n.flight = slices.Insert(n.flight, i, f)
		time.AfterFunc(delay, n.land)
	}
}

// A flying message was sent and has not arrived yet.
type flying struct {
	m    eddy.Message
	line []byte
	at   time.Time
}

// land delivers the messages that are due.
func (n *Net) land() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	for len(n.flight) > 0 && !n.flight[0].at.After(now) {
		f := n.flight[0]
		n.flight = n.flight[1:]
		n.deliver(f.m, f.line)
	}
}

func (n *Net) deliver(m eddy.Message, line []byte) {
	if p := n.places[m.Dest]; p != nil {
		p.arrive(m, line)
	}
}

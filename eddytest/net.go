// Package eddytest is a network in memory, for the tests of people who write
// nodes. It carries messages between nodes, and clients that a test plays by
// hand, and loses, delays, duplicates and cuts as the test says.
//
// Use it inside [testing/synctest], where time is virtual: a call that meets
// three timeouts takes no time, and every run is like the one before.
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
// A test plays clients and the peers of its nodes by hand ([Client]). [Net.Lose],
// [Net.Duplicate], [Net.Delay] and [Net.Cut] are the faults that most tests need;
// [Net.Script] decides message by message. [Net.Services] enters lin-kv and the other
// services. What was sent stands in [Net.Journal], and in the log of a test that fails.
//
// # Mutexes and virtual time
//
// A goroutine that waits for a mutex is not durably blocked in the sense of
// synctest, so virtual time stands still for it. If a handler holds a mutex
// across a call, and another waits for that mutex, the call's timeout never
// comes and the test hangs. Test such handlers on the real clock: leave
// synctest.Test out, all else stays the same, and wait for events (a channel, a
// reply), never for an amount of time. TestLockAcrossCall, among this package's
// tests, is one. Handlers that wait for channels, calls or time.Sleep are at
// home in virtual time.
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

// A Net carries messages. They arrive at once and in order unless it is told
// otherwise. Its methods may be called from any goroutine, but those that wait
// (Start, Stop, and a client's Call, Await and Receive) end the test when they
// wait in vain, so they belong to the test's own.
type Net struct {
	t     testing.TB
	ids   []string // as init tells the nodes
	start time.Time

	served sync.WaitGroup // nodes
	played sync.WaitGroup // clients' handlers

	mu      sync.Mutex // guards all below
	places  map[string]place
	links   map[[2]string]*link
	script  func(eddy.Message) Fate
	flight  []*flying // the next to arrive first
	journal []Entry
}

// A place is where messages arrive: a node's port or a client. mu of the net is
// held when its methods are called.
type place interface {
	arrive(m eddy.Message, line []byte)
	end()
}

// New makes a network for a test, and ends all that runs on it with the test:
// every node's input ends, and it drains. If the test has failed, the journal is
// logged. ids are the nodes of the cluster, as init tells them to each; they
// need not all be started.
func New(t testing.TB, ids ...string) *Net {
	n := &Net{
		t: t, ids: ids, start: time.Now(),
		places: make(map[string]place),
		links:  make(map[[2]string]*link),
	}
	t.Cleanup(n.end)
	return n
}

// Start runs a node under this name, sends it init and waits for init_ok. No
// fault meets these two messages. A node without a Log logs to the test's
// output.
func (n *Net) Start(name string, node *eddy.Node) {
	n.t.Helper()
	if node.Log == nil {
		node.Log = slog.New(slog.NewTextHandler(n.t.Output(), nil)).With("node", name)
	}
	transport := n.Join(name)
	n.served.Go(func() {
		if err := node.Serve(context.Background(), transport); err != nil {
			n.t.Errorf("eddytest: %s: %v", name, err)
		}
	})
	tester := n.Client("init-" + name)
	tester.spared = true
	reply := tester.Call(name, map[string]any{"type": "init", "node_id": name, "node_ids": n.nodeIDs(name)})
	if reply.Type() != "init_ok" {
		n.t.Fatalf("eddytest: %s answered init with %s", name, reply.Body)
	}
	n.mu.Lock()
	delete(n.places, tester.name)
	n.mu.Unlock()
}

// nodeIDs are the names of all nodes, this one at least.
func (n *Net) nodeIDs(name string) []string {
	if slices.Contains(n.ids, name) {
		return n.ids
	}
	return append(slices.Clone(n.ids), name)
}

// Stop ends a node's input and waits until it has drained and ended. Another
// may then be started under its name.
func (n *Net) Stop(name string) {
	n.t.Helper()
	n.mu.Lock()
	p, ok := n.places[name].(*port)
	if ok {
		p.end()
	}
	n.mu.Unlock()
	if !ok {
		n.t.Fatalf("eddytest: there is no node %s to stop", name)
	}
	<-p.left
}

// Join returns a transport for a node that the test serves by itself, and that
// it sends init by itself. Start is the simple way. Node.Serve closes it in the end;
// who serves it otherwise must, so that Stop returns.
func (n *Net) Join(name string) eddy.Transport {
	n.t.Helper()
	p := &port{net: n, name: name, left: make(chan struct{})}
	p.changed.L = &n.mu
	n.enter(name, p)
	return p
}

// enter makes what is sent to name arrive at p.
func (n *Net) enter(name string, p place) {
	n.t.Helper()
	n.mu.Lock()
	_, taken := n.places[name]
	if !taken {
		n.places[name] = p
	}
	n.mu.Unlock()
	if taken {
		n.t.Fatalf("eddytest: somebody else is called %s", name)
	}
}

// end ends everything. While the nodes drain, messages still flow.
func (n *Net) end() {
	n.endAll(func(p place) bool { _, isNode := p.(*port); return isNode })
	n.served.Wait()
	n.endAll(func(place) bool { return true })
	n.played.Wait()
	if n.t.Failed() {
		n.t.Logf("eddytest: what was sent, the last 100:\n%s", n.tail(100))
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

// send takes a message, lets it meet its fate, and writes that down.
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
		// Behind those that arrive at the same time and were sent earlier.
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

// A flying message is on its way.
type flying struct {
	m    eddy.Message
	line []byte
	at   time.Time
}

// land delivers what has been on its way for long enough.
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

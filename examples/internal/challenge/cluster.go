// Package challenge is for the tests of the examples: a cluster under load in virtual
// time, and the table of what each example costs.
package challenge

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// A Cluster is nodes n0, n1, ... and a client, for a test in a synctest bubble. All
// messages of the client arrive at once.
type Cluster struct {
	*eddytest.Net
	Nodes  []string
	Client *eddytest.Client

	begun int // messages in the journal when the load began
	asked int // operations of the load
}

const client = "c1"

// Start starts count nodes that newNode makes.
func Start(t testing.TB, count int, newNode func() *eddy.Node) *Cluster {
	c := &Cluster{}
	for i := range count {
		c.Nodes = append(c.Nodes, fmt.Sprintf("n%d", i))
	}
	c.Net = eddytest.New(t, c.Nodes...)
	c.Client = c.Net.Client(client)
	for _, id := range c.Nodes {
		c.Net.Start(id, newNode())
	}
	return c
}

// between reports whether a message is between nodes or services.
func between(m *eddy.Message) bool {
	return !strings.HasPrefix(m.Src, "c") && !strings.HasPrefix(m.Dest, "c")
}

// Latency makes every message between nodes take this long.
func (c *Cluster) Latency(d time.Duration) {
	c.Script(func(m eddy.Message) eddytest.Fate {
		if between(&m) {
			return eddytest.Fate{d}
		}
		return eddytest.Arrives
	})
}

// Faults makes messages between nodes take up to 20 ms. It loses one in ten, and delivers
// one in ten a second time, up to a second later.
func (c *Cluster) Faults(seed uint64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	c.Script(func(m eddy.Message) eddytest.Fate {
		mu.Lock()
		defer mu.Unlock()
		switch chance := random.IntN(10); {
		case !between(&m):
			return eddytest.Arrives
		case chance == 0:
			return eddytest.Lost
		case chance == 1:
			return eddytest.Fate{upTo(20 * time.Millisecond), upTo(time.Second)}
		}
		return eddytest.Fate{upTo(20 * time.Millisecond)}
	})
}

// Isolate cuts a node off from all other nodes and from more.
func (c *Cluster) Isolate(node string, more ...string) { c.each(node, more, c.Cut) }

// Join ends an Isolate.
func (c *Cluster) Join(node string, more ...string) { c.each(node, more, c.Heal) }

func (c *Cluster) each(node string, more []string, f func(a, b string)) {
	for _, other := range append(more, c.Nodes...) {
		if other != node {
			f(node, other)
		}
	}
}

// An Answer is a reply to the client, with the times of the request and of the reply.
type Answer struct {
	eddy.Message
	Asked, Answered time.Duration
}

// Load sends requests to the nodes in turn, rate times a second, without waiting for the
// replies. It returns the replies. op makes the body of request number i.
func (c *Cluster) Load(rate int, during time.Duration, op func(i int) any) []Answer {
	c.begun = len(c.Journal())
	step := time.Second / time.Duration(rate)
	time.Sleep(step / 2) // no request comes at the time of a timer of a node
	var ids []int64
	for i := range int(during / step) {
		ids = append(ids, c.Client.Request(c.Nodes[i%len(c.Nodes)], op(i)))
		time.Sleep(step)
	}
	c.asked = len(ids)
	all := map[int64]*Answer{}
	for _, id := range ids {
		all[id] = &Answer{Message: c.Client.Await(id)}
	}
	for _, e := range c.Journal()[c.begun:] {
		if a := all[e.Message.ID]; a != nil && e.Message.Src == client {
			a.Asked = e.At
		}
		if a := all[e.Message.InReplyTo]; a != nil && e.Message.Dest == client {
			a.Answered = e.At
		}
	}
	var answers []Answer
	for _, id := range ids {
		answers = append(answers, *all[id])
	}
	return answers
}

// PerOp is the number of messages between nodes and services since the load began,
// divided by the operations.
func (c *Cluster) PerOp() float64 {
	count := 0
	for _, e := range c.Journal()[c.begun:] {
		if between(&e.Message) {
			count++
		}
	}
	return float64(count) / float64(c.asked)
}

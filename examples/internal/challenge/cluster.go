// Package challenge is what the tests of the examples share: a cluster under load
// in virtual time, and the table of what each example costs.
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

// A Cluster is nodes n0, n1, ... and a client, for a test inside synctest. The
// client's messages always arrive, and at once.
type Cluster struct {
	*eddytest.Net
	Nodes  []string
	Client *eddytest.Client

	begun int // messages in the journal when the load began
	asked int // operations of the load
}

const client = "c1"

// Start starts so many nodes. It is for newNode to make each of them.
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

// between reports whether a message is one that no client sends or gets.
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

// Faults makes messages between nodes take up to 20 ms, loses one in ten, and
// delivers another one in ten once more, up to a second later.
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

// Isolate cuts a node off from all others and from what else is named.
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

// An Answer is what the client got, with the times of its request and of the reply.
type Answer struct {
	eddy.Message
	Asked, Answered time.Duration
}

// Load asks nodes in turn for something rate times a second, without waiting for
// answers, and returns these in the end. op makes the body of request number i.
func (c *Cluster) Load(rate int, during time.Duration, op func(i int) any) []Answer {
	c.begun = len(c.Journal())
	step := time.Second / time.Duration(rate)
	time.Sleep(step / 2) // so that no request comes at the moment of a node's timer
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

// PerOp is how many messages no client has sent or got since the load began, for
// each of its operations.
func (c *Cluster) PerOp() float64 {
	count := 0
	for _, e := range c.Journal()[c.begun:] {
		if between(&e.Message) {
			count++
		}
	}
	return float64(count) / float64(c.asked)
}

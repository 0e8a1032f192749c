// Txn-rw-register is challenge 6, stages a to c: transactions on registers, which every
// node serves at once, whatever the network does.
//
// A transaction runs at the node that gets it, on what this node knows, and all its
// writes take effect there at once. The node then sends them to the other nodes, and
// again until they have acknowledged them. There, too, the writes of a transaction take
// effect at once. Of two writes of a key the one with the later commit wins. Commits are
// ordered by a Lamport clock: a commit is later than all that its node knew before. Of
// two commits with the same time, the node with the greater name wins.
//
// So no transaction reads what was not committed, or what another transaction
// overwrote before it committed (G1a, G1b). Reads and writes follow the order of the
// clock, so neither has circles (G1c, G0). That is read committed, under partitions,
// loss and duplicates. A wall clock would not do: with a clock that is slow, a write
// would come before the write that its transaction has read.
//
// Nodes that reach each other agree in the end. Before that a read may be old, and an
// update may be lost because another one overwrites it; read committed allows both. If a
// node is killed, the writes are lost that only this node knew. It starts again with no
// data, and its clock at 0. Until it has got the latest commits of the others, its
// writes may lose against older ones, and nodes need not agree on them.
//
// A round costs 2 (n-1) messages for each of the n nodes that has new commits, however
// many.
package main

import (
	"context"
	"log"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
)

const period = 100 * time.Millisecond

// A commit is the writes of one transaction.
type commit struct {
	Time   int64               `json:"time"`
	Node   string              `json:"node"`
	Writes map[string]eddy.Raw `json:"writes"` // by the JSON of the key
}

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

type node struct {
	eddy.Node

	mu     sync.Mutex        // guards the fields below
	clock  int64             // the time of the latest commit
	own    []commit          // the commits of this node, in order
	latest map[string]commit // by key
	peers  []*peer
}

// A peer is another node.
type peer struct {
	id           string
	acknowledged int  // how many of own it has
	called       bool // it has not replied to the latest commits
}

func newNode() *eddy.Node {
	n := &node{latest: map[string]commit{}}
	n.OnInit(n.start)
	n.Handle("commits", n.commits)
	n.Handle("txn", n.txn)
	return &n.Node
}

// start begins to send commits to the other nodes.
func (n *node) start(context.Context) error {
	for _, id := range n.IDs() {
		if id != n.ID() {
			n.peers = append(n.peers, &peer{id: id})
		}
	}
	n.Every(period, n.round)
	return nil
}

// round sends each other node the commits that it has not acknowledged.
func (n *node) round(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.peers {
		news := n.own[p.acknowledged:]
		if p.called || len(news) == 0 {
			continue
		}
		body := map[string]any{"type": "commits", "commits": news}
		err := n.Call(ctx, p.id, body, nil, func(r eddy.Result) {
			n.mu.Lock()
			defer n.mu.Unlock()
			p.called = false
			if r.Err == nil {
				p.acknowledged += len(news)
			}
		})
		p.called = err == nil
	}
}

// commits takes the commits that another node sends.
func (n *node) commits(_ context.Context, req *eddy.Request) (any, error) {
	var body struct {
		Commits []commit `json:"commits"`
	}
	if err := req.Decode(&body); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range body.Commits {
		n.apply(c)
	}
	return eddy.Raw(`{}`), nil
}

// apply lets the writes of a commit take effect. The caller holds mu.
func (n *node) apply(c commit) {
	n.clock = max(n.clock, c.Time)
	for key := range c.Writes {
		if old := n.latest[key]; c.Time > old.Time || c.Time == old.Time && c.Node > old.Node {
			n.latest[key] = c
		}
	}
}

func (n *node) txn(_ context.Context, req *eddy.Request) (any, error) {
	var body struct {
		Txn [][3]eddy.Raw `json:"txn"`
	}
	if err := req.Decode(&body); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := commit{n.clock + 1, n.ID(), map[string]eddy.Raw{}}
	for i, op := range body.Txn {
		key := string(op[1])
		switch string(op[0]) {
		case `"w"`:
			c.Writes[key] = op[2]
		case `"r"`:
			value, own := c.Writes[key]
			if !own {
				value = n.latest[key].Writes[key]
			}
			body.Txn[i][2] = value
		default:
			return nil, eddy.Errorf(eddy.MalformedRequest, `%s must be "r" or "w"`, op[0])
		}
	}
	if len(c.Writes) > 0 {
		n.apply(c)
		n.own = append(n.own, c)
	}
	return body, nil
}

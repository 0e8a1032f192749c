// Txn-rw-register is challenge 6, stages a to c: transactions on registers, which
// every node serves at once, whatever the network does.
//
// A transaction runs where it was asked for, on what this node knows, and all its
// writes take effect there in one moment. The other nodes are told of them a little
// later, again and again until they have acknowledged, and let each transaction's
// writes take effect in one moment, too. Of two writes of a key the later commit
// wins, by Lamport's clock: each commit is later than all that its node had heard
// of, and between equals the node's name decides. So no read sees what was never
// committed or only written on the way (G1a, G1b), and information flows along the
// clock and in no circle, as does the order of writes (G0, G1c): read committed,
// under partitions, loss and duplicates. A wall clock would not do: one that lags
// puts a write before the one that its transaction has read.
//
// Nodes that hear of each other come to agree. Until then they may show what is
// old, and lose an update that another one overwrites: read committed allows both.
// What only a killed node knew is lost. If it is started again it begins with nothing,
// and with its clock at 0: until it has heard of the others' latest commits, its writes
// may lose against older ones, and need not come to agree.
//
// A round costs 2 (n-1) messages for each of n nodes that has news, however many.
package main

import (
	"context"
	"log"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
)

const period = 100 * time.Millisecond

// A commit is what one transaction has written.
type commit struct {
	Time   int64               `json:"time"`
	Node   string              `json:"node"`
	Writes map[string]eddy.Raw `json:"writes"` // by the key as it stands in JSON
}

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

func newNode() *eddy.Node {
	var n eddy.Node
	var mu sync.Mutex             // guards all below
	var clock int64               // the latest commit's
	var own []commit              // in their order
	latest := map[string]commit{} // by key
	apply := func(c commit) {
		clock = max(clock, c.Time)
		for key := range c.Writes {
			if old := latest[key]; c.Time > old.Time || c.Time == old.Time && c.Node > old.Node {
				latest[key] = c
			}
		}
	}

	n.OnInit(func(context.Context) error {
		for _, id := range n.IDs() {
			if id == n.ID() {
				continue
			}
			heard := 0 // so many of own the other one has acknowledged
			n.Every(period, func(ctx context.Context) {
				mu.Lock()
				news := own[heard:]
				mu.Unlock()
				if len(news) == 0 {
					return
				}
				if _, _, err := n.RPCWithRetry(ctx, id, map[string]any{"type": "news", "commits": news}, nil); err == nil {
					heard += len(news)
				}
			})
		}
		return nil
	})
	n.Handle("news", func(_ context.Context, req *eddy.Request) (any, error) {
		var body struct {
			Commits []commit `json:"commits"`
		}
		if err := req.Decode(&body); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, c := range body.Commits {
			apply(c)
		}
		return eddy.Raw(`{}`), nil
	})
	n.Handle("txn", func(_ context.Context, req *eddy.Request) (any, error) {
		var body struct {
			Txn [][3]eddy.Raw `json:"txn"`
		}
		if err := req.Decode(&body); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		c := commit{clock + 1, n.ID(), map[string]eddy.Raw{}}
		for i, op := range body.Txn {
			key := string(op[1])
			switch string(op[0]) {
			case `"w"`:
				c.Writes[key] = op[2]
			case `"r"`:
				value, mine := c.Writes[key]
				if !mine {
					value = latest[key].Writes[key]
				}
				body.Txn[i][2] = value
			default:
				return nil, eddy.Errorf(eddy.MalformedRequest, `%s is neither "r" nor "w"`, op[0])
			}
		}
		if len(c.Writes) > 0 {
			apply(c)
			own = append(own, c)
		}
		return body, nil
	})
	return &n
}

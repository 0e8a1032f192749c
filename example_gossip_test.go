package eddy_test

import (
	"context"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy"
)

// A Batcher sends values to a peer ten at a time, and each after 50 ms at the latest.
func ExampleBatcher() {
	var n eddy.Node // in a cluster with n2
	sent := make(chan string)
	values := eddy.NewBatcher(&n, 10, 50*time.Millisecond, func(ctx context.Context, batch []int) {
		_, _, err := n.RPCWithRetry(ctx, "n2", map[string]any{"type": "gossip", "values": batch}, nil)
		sent <- fmt.Sprint(batch, " ", err)
	})
	defer cluster([]*eddy.Node{&n}, "n2")()
	for v := range 10 {
		values.Add(v)
	}
	fmt.Println(<-sent)
	values.Add(10) // waits for more to come, 50 ms at most
	fmt.Println(<-sent)
	// Output:
	// [0 1 2 3 4 5 6 7 8 9] <nil>
	// [10] <nil>
}

// A message for all peers.
func ExampleNode_Broadcast() {
	var n eddy.Node // in a cluster with n2 and n3; n4 does not run
	defer cluster([]*eddy.Node{&n}, "n2", "n3")()

	peers := []string{"n2", "n3", "n4"}
	body := map[string]any{"type": "gossip", "value": 7}
	policy := &eddy.Policy{Attempts: 2, Timeout: 50 * time.Millisecond}
	for r := range n.Broadcast(context.Background(), peers, body, policy) {
		fmt.Println(r.Dest, r.Reply.Type(), r.Attempts, r.Err)
	}
	// Unordered output:
	// n2 gossip_ok 1 <nil>
	// n3 gossip_ok 1 <nil>
	// n4  2 RPC failed after 2 attempts
}

// A quorum is a majority of all nodes, the node itself included.
func ExampleNode_Broadcast_quorum() {
	var n eddy.Node // in a cluster with n2 and n3; n4 and n5 do not run
	defer cluster([]*eddy.Node{&n}, "n2", "n3")()

	peers := []string{"n2", "n3", "n4", "n5"}
	yes := 1
	for r := range n.Broadcast(context.Background(), peers, eddy.Raw(`{"type":"gossip","value":7}`), nil) {
		if r.Err == nil {
			yes++
		}
		if yes > (1+len(peers))/2 {
			break
		}
	}
	fmt.Println(yes, "of", 1+len(peers))
	// Output: 3 of 5
}

// A node passes on only messages that are new to it, so that gossip ends.
func ExampleSeen() {
	var seen eddy.Seen[string]
	for _, id := range []string{"c1/1", "c2/1", "c1/1"} {
		if seen.Add(id) {
			fmt.Println(id, "is new: pass it on")
		}
	}
	// Output:
	// c1/1 is new: pass it on
	// c2/1 is new: pass it on
}

// Each node sends what it knows to a peer about every 5 ms, but not all at the same time.
func ExampleNode_EveryAbout() {
	var n eddy.Node
	rounds := make(chan bool)
	n.EveryAbout(5*time.Millisecond, 0.2, func(ctx context.Context) {
		err := n.Send("n2", eddy.Raw(`{"type":"gossip","known":[1,2,3]}`))
		select {
		case rounds <- err == nil:
		case <-ctx.Done():
		}
	})
	defer cluster([]*eddy.Node{&n}, "n2")()
	fmt.Println(<-rounds, <-rounds)
	// Output: true true
}

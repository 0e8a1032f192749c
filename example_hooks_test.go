package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/watch"
)

// Hooks see each attempt of a call, and veto a second one of a request that must not be repeated.
func ExampleNode_hooks() {
	n := eddy.Node{Hooks: &watch.Hooks{
		Sent: func(c *watch.Call, s watch.Sent) { fmt.Println("attempt", s.Attempt, "of", c.Type, "to", c.Dest) },
		Failed: func(c *watch.Call, f watch.Failed) {
			fmt.Println("attempt", f.Attempt, "failed, again:", f.Next.Again)
		},
		Veto: func(c *watch.Call, attempt int) error {
			if c.Type == "pay" {
				return errors.New("a payment is not sent again")
			}
			return nil
		},
		CallEnds: func(c *watch.Call, e watch.CallEnd) { fmt.Println(c.Type, "ended:", e.Err) },
	}}
	defer cluster([]*eddy.Node{&n})() // n2 is not there

	policy := &eddy.Policy{Attempts: 2, Timeout: 50 * time.Millisecond}
	n.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"read"}`), policy)
	n.RPCWithRetry(context.Background(), "n2", eddy.Raw(`{"type":"pay"}`), policy)
	// Output:
	// attempt 1 of read to n2
	// attempt 1 failed, again: true
	// attempt 2 of read to n2
	// attempt 2 failed, again: false
	// read ended: RPC failed after 2 attempts
	// attempt 1 of pay to n2
	// attempt 1 failed, again: true
	// pay ended: RPC to n2 failed: a payment is not sent again
}

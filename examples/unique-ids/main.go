// Unique-ids is challenge 2: ids that no node has given out before, not even in an
// earlier incarnation.
//
// An id is the name of the node, the time at which it started, and a counter. So nodes need
// not communicate, and no partition and no crash matters. The counter starts again when the
// node does, the clock does not. If somebody sets the clock back, an id comes twice only if the
// node starts again in the same nanosecond. Random ids would do as well, but a test with a seed
// would then not have the same ids in each run.
package main

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy"
)

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

func newNode() *eddy.Node {
	var n eddy.Node
	started := time.Now().UnixNano()
	var count atomic.Int64
	n.Handle("generate", func(context.Context, *eddy.Request) (any, error) {
		return map[string]any{"id": fmt.Sprintf("%s-%d-%d", n.ID(), started, count.Add(1))}, nil
	})
	return &n
}

// Ids from a counter in lin-kv, by compare-and-set in a loop. Each node takes a hundred at
// a time, with a callback.
package main

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

const batch = 100

func main() {
	n := maelstrom.NewNode()
	kv := maelstrom.NewLinKV(n)
	var mu sync.Mutex
	next, end := 0, 0

	take := func() (int, error) {
		for {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			from, err := kv.ReadInt(ctx, "ids")
			if err != nil && maelstrom.ErrorCode(err) != maelstrom.KeyDoesNotExist {
				cancel()
				return 0, fmt.Errorf("read the counter: %w", err)
			}
			err = kv.CompareAndSwap(ctx, "ids", from, from+batch, true)
			cancel()
			switch maelstrom.ErrorCode(err) {
			case maelstrom.PreconditionFailed:
				continue
			default:
				return from, err
			}
		}
	}
	n.Handle("generate", func(msg maelstrom.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if next == end {
			from, err := take()
			if err != nil {
				return maelstrom.NewRPCError(maelstrom.TemporarilyUnavailable, err.Error())
			}
			next, end = from, from+batch
		}
		next++
		id := next
		go func() { // the reply needs not be in the handler
			time.Sleep(time.Millisecond)
			if err := n.Reply(msg, map[string]any{"type": "generate_ok", "id": id}); err != nil {
				log.Println(err)
			}
		}()
		return nil
	})
	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

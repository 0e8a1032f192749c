// A store whose nodes keep everything in the service lin-kv. The handlers hold a mutex
// across their calls.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

type request struct {
	maelstrom.MessageBody
	Key   any `json:"key"`
	Value any `json:"value"`
	From  any `json:"from"`
	To    any `json:"to"`
}

func main() {
	n := maelstrom.NewNode()
	kv := maelstrom.NewLinKV(n)
	var mu sync.Mutex

	serve := func(typ string, op func(ctx context.Context, r request) (map[string]any, error)) {
		n.Handle(typ, func(msg maelstrom.Message) error {
			var r request
			if err := json.Unmarshal(msg.Body, &r); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			reply, err := op(ctx, r)
			var rpc *maelstrom.RPCError
			switch {
			case errors.As(err, &rpc):
				return rpc
			case err != nil: // nobody knows what became of it
				return maelstrom.NewRPCError(maelstrom.Crash, err.Error())
			}
			return n.Reply(msg, reply)
		})
	}
	serve("read", func(ctx context.Context, r request) (map[string]any, error) {
		v, err := kv.Read(ctx, fmt.Sprint(r.Key))
		return map[string]any{"type": "read_ok", "value": v}, err
	})
	serve("write", func(ctx context.Context, r request) (map[string]any, error) {
		return map[string]any{"type": "write_ok"}, kv.Write(ctx, fmt.Sprint(r.Key), r.Value)
	})
	serve("cas", func(ctx context.Context, r request) (map[string]any, error) {
		return map[string]any{"type": "cas_ok"}, kv.CompareAndSwap(ctx, fmt.Sprint(r.Key), r.From, r.To, false)
	})
	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

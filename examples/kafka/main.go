// Kafka is challenge 5, stages a to c: logs to which clients append messages, each at an
// offset of its own, and offsets that consumers commit.
//
// The first node keeps all logs. The other nodes pass requests on to it, and its replies
// back. So there is one order, and an offset is an index of a slice. A second attempt of
// a call has no second effect: each call has an id, and the first node serves it once.
// While the first node is out of reach, the others reply with an indefinite error: the
// message may have been appended. When the first node is killed, the logs are lost.
//
// A request at another node costs two messages, a request at the first node none. Logs
// in lin-kv would survive the node. But an append would cost four messages as long as
// the log, for the read and the compare-and-set, and many more when nodes append to one
// log at the same time.
package main

import (
	"context"
	"log"
	"sync"

	"github.com/eddyrpc/eddy"
)

const mostPolled = 100 // messages of one log in a reply

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

func newNode() *eddy.Node {
	var n eddy.Node
	var dedup eddy.Dedup
	var mu sync.Mutex // guards the variables below
	logs := map[string][]eddy.Raw{}
	committed := map[string]int{}

	// handle serves requests of a type at the first node.
	handle := func(typ string, serve func(body *body) (any, error)) {
		first := dedup.Handler(func(_ context.Context, req *eddy.Request) (any, error) {
			var b body
			if err := req.Decode(&b); err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			return serve(&b)
		})
		n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			if n.ID() == n.IDs()[0] {
				return first(ctx, req)
			}
			reply, _, err := n.RPCWithRetry(ctx, n.IDs()[0], req.Body, &eddy.Policy{CallID: true})
			return reply.Body, err
		})
	}
	handle("send", func(b *body) (any, error) {
		if b.Key == "" || b.Msg == nil {
			return nil, eddy.Errorf(eddy.MalformedRequest, "send needs key and msg")
		}
		logs[b.Key] = append(logs[b.Key], b.Msg)
		return map[string]any{"offset": len(logs[b.Key]) - 1}, nil
	})
	handle("poll", func(b *body) (any, error) {
		msgs := map[string][][2]any{}
		for key, offset := range b.Offsets {
			for i := max(offset, 0); i < min(len(logs[key]), offset+mostPolled); i++ {
				msgs[key] = append(msgs[key], [2]any{i, logs[key][i]})
			}
		}
		return map[string]any{"msgs": msgs}, nil
	})
	handle("commit_offsets", func(b *body) (any, error) {
		for key, offset := range b.Offsets {
			committed[key] = max(committed[key], offset)
		}
		return eddy.Raw(`{}`), nil
	})
	handle("list_committed_offsets", func(b *body) (any, error) {
		offsets := map[string]int{}
		for _, key := range b.Keys {
			if offset, ok := committed[key]; ok {
				offsets[key] = offset
			}
		}
		return map[string]any{"offsets": offsets}, nil
	})
	return &n
}

// A body has the fields of all types of requests.
type body struct {
	Key     string         `json:"key"`
	Msg     eddy.Raw       `json:"msg"`
	Offsets map[string]int `json:"offsets"`
	Keys    []string       `json:"keys"`
}

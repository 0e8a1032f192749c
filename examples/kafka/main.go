// Kafka is challenge 5, stages a to c: logs to which clients append messages, each at an
// offset of its own, and offsets that consumers commit.
//
// Each message is one value in lin-kv, under its log and offset, and is never changed. To
// append a message, a node creates the value at the first offset that it takes for free. If
// that offset has the message of another node, it takes the next one. The value also holds
// an id of the append. So if no reply comes, or the network delivers the request twice, a
// later attempt finds the value that it wants to create, and succeeds. A late copy of a
// request finds the offset taken. So each acknowledged message is in its log once, also
// after nodes were killed, and every later poll at any node can return it. A node that
// cannot reach the service replies to sends and commits with an indefinite error, and to
// polls with what it knows.
//
// A node keeps the messages that it has seen, since they do not change. An append costs two
// messages, and each message of other nodes that comes before it four. A poll costs two for
// each key, and two for each message that the node has not seen. A commit of an offset costs
// four, a list of offsets two for each. A node serves the logs of a request one after the
// other. If one node kept all logs in its memory, a request would cost two messages at the most.
// But the logs would be lost when it is killed.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eddyrpc/eddy"
)

const (
	mostPolled = 100 // messages of one log in a reply
	mostRead   = 10  // messages of one log that a poll reads from the service
)

func main() {
	if err := newNode().Run(); err != nil {
		log.Fatal(err)
	}
}

// An entry is the value of one message in lin-kv.
type entry struct {
	Msg eddy.Raw `json:"msg"`
	ID  string   `json:"id"` // of the append
}

// kvLogs are the logs in lin-kv.
type kvLogs struct {
	node    *eddy.Node
	entries *eddy.KV[entry]
	mu      sync.Mutex
	known   map[string][]eddy.Raw // the first messages of each log

	started int64        // the time at which the node started, which no other incarnation of it has
	appends atomic.Int64 // how many appends have an id
}

func newNode() *eddy.Node {
	var n eddy.Node
	l := kvLogs{node: &n, entries: eddy.LinKV[entry](&n), known: map[string][]eddy.Raw{}, started: time.Now().UnixNano()}
	l.entries.Changes = &eddy.Policy{} // an append may arrive twice
	committed := eddy.LinKV[int](&n)
	committed.Again = true // so may a commit

	handle(&n, "send", func(ctx context.Context, b *body) (any, error) {
		if b.Key == "" || b.Msg == nil {
			return nil, eddy.Errorf(eddy.MalformedRequest, "send needs key and msg")
		}
		offset, err := l.append(ctx, b.Key, b.Msg)
		return map[string]any{"offset": offset}, err
	})
	handle(&n, "poll", func(ctx context.Context, b *body) (any, error) {
		msgs := map[string][][2]any{}
		for _, key := range slices.Sorted(maps.Keys(b.Offsets)) {
			if polled := l.poll(ctx, key, max(b.Offsets[key], 0)); len(polled) > 0 {
				msgs[key] = polled
			}
		}
		return map[string]any{"msgs": msgs}, nil
	})
	handle(&n, "commit_offsets", func(ctx context.Context, b *body) (any, error) {
		for _, key := range slices.Sorted(maps.Keys(b.Offsets)) {
			_, err := committed.Update(ctx, "committed/"+key, func(old int, exists bool) (int, error) { return max(old, b.Offsets[key]), nil })
			if err != nil {
				return nil, err
			}
		}
		return eddy.Raw(`{}`), nil
	})
	handle(&n, "list_committed_offsets", func(ctx context.Context, b *body) (any, error) {
		offsets := map[string]int{}
		for _, key := range b.Keys {
			offset, err := committed.ReadOr(ctx, "committed/"+key, -1)
			if err != nil {
				return nil, err
			}
			if offset >= 0 {
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

func handle(n *eddy.Node, typ string, serve func(context.Context, *body) (any, error)) {
	n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
		var b body
		if err := req.Decode(&b); err != nil {
			return nil, err
		}
		return serve(ctx, &b)
	})
}

// append appends a message to a log and returns its offset.
func (l *kvLogs) append(ctx context.Context, key string, msg eddy.Raw) (int, error) {
	e := entry{msg, fmt.Sprintf("%s-%d-%d", l.node.ID(), l.started, l.appends.Add(1))}
	for {
		offset := len(l.seen(key))
		err := l.entries.CompareAndSwap(ctx, name(key, offset), e, e, true)
		if err == nil {
			l.see(key, offset, msg)
			return offset, nil
		}
		if !errors.Is(err, eddy.PreconditionFailed) {
			return 0, err
		}
		if err := l.read(ctx, key, offset); err != nil {
			return 0, err
		}
	}
}

// poll returns messages of a log from an offset on.
func (l *kvLogs) poll(ctx context.Context, key string, from int) (polled [][2]any) {
	for range mostRead {
		known := len(l.seen(key))
		if known-from >= mostPolled || l.read(ctx, key, known) != nil {
			break
		}
	}
	known := l.seen(key)
	for i := from; i < min(len(known), from+mostPolled); i++ {
		polled = append(polled, [2]any{i, known[i]})
	}
	return polled
}

// read reads a message from the service.
func (l *kvLogs) read(ctx context.Context, key string, offset int) error {
	e, err := l.entries.Read(ctx, name(key, offset))
	if err == nil {
		l.see(key, offset, e.Msg)
	}
	return err
}

func name(key string, offset int) string { return fmt.Sprintf("%s/%d", key, offset) }

// seen returns the first messages of a log.
func (l *kvLogs) seen(key string) []eddy.Raw {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[key]
}

// see adds a message if it is the first one that is missing.
func (l *kvLogs) see(key string, offset int, msg eddy.Raw) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if offset == len(l.known[key]) {
		l.known[key] = append(l.known[key], msg)
	}
}

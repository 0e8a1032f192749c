package moves

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

// A grow-only counter: a goroutine adds the sum of all requests to the key in seq-kv by
// compare-and-set.
func counter(n *maelstrom.Node) {
	kv := maelstrom.NewSeqKV(n)
	added := make(chan int, 100)
	add := func(delta int) {
		for {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			old, err := kv.ReadInt(ctx, "count")
			if err == nil || maelstrom.ErrorCode(err) == maelstrom.KeyDoesNotExist {
				err = kv.CompareAndSwap(ctx, "count", old, old+delta, true)
			}
			cancel()
			if err == nil {
				return
			}
		}
	}
	go func() {
		for delta := range added {
			add(delta)
		}
	}()
	n.Handle("add", func(msg maelstrom.Message) error {
		var body struct{ Delta int }
		if err := json.Unmarshal(msg.Body, &body); err != nil {
			return err
		}
		if body.Delta < 0 {
			close(added) // the test is over
		} else {
			added <- body.Delta
		}
		return n.Reply(msg, map[string]any{"type": "add_ok"})
	})
	n.Handle("read", func(msg maelstrom.Message) error {
		value, err := kv.ReadInt(context.Background(), "count")
		if err != nil && maelstrom.ErrorCode(err) != maelstrom.KeyDoesNotExist {
			return err
		}
		return n.Reply(msg, map[string]any{"type": "read_ok", "value": value})
	})
}

func TestGrowOnlyCounter(t *testing.T) {
	virtually(t, func(t *testing.T) {
		c := newCluster(t, counter)
		for i := range 20 {
			c.call([]string{"n1", "n2"}[i%2], map[string]any{"type": "add", "delta": i})
		}
		time.Sleep(10 * time.Second)
		for _, id := range []string{"n1", "n2"} {
			if reply := c.call(id, body("read")); reply["value"] != 190.0 {
				t.Errorf("%s: %v", id, reply)
			}
			c.call(id, map[string]any{"type": "add", "delta": -1})
		}
	})
}

// A log in lin-kv, as in Kafka: the next offset by compare-and-set under a mutex, each
// entry under a key of its own.
func kafka(lock sync.Locker) func(n *maelstrom.Node) {
	return func(n *maelstrom.Node) {
		kv := maelstrom.NewLinKV(n)
		n.Handle("send", func(msg maelstrom.Message) error {
			var body struct {
				Key string
				Msg any
			}
			if err := json.Unmarshal(msg.Body, &body); err != nil {
				return err
			}
			lock.Lock()
			defer lock.Unlock()
			ctx := context.Background()
			for {
				offset, err := kv.ReadInt(ctx, "next/"+body.Key)
				if err != nil && maelstrom.ErrorCode(err) != maelstrom.KeyDoesNotExist {
					return err
				}
				err = kv.CompareAndSwap(ctx, "next/"+body.Key, offset, offset+1, true)
				if rpc, ok := err.(*maelstrom.RPCError); ok && rpc.Code == maelstrom.PreconditionFailed {
					continue
				}
				if err != nil {
					return err
				}
				if err := kv.Write(ctx, fmt.Sprintf("%s/%d", body.Key, offset), body.Msg); err != nil {
					return err
				}
				return n.Reply(msg, map[string]any{"type": "send_ok", "offset": offset})
			}
		})
		n.Handle("poll", func(msg maelstrom.Message) error {
			var body struct{ Offsets map[string]int }
			if err := json.Unmarshal(msg.Body, &body); err != nil {
				return err
			}
			msgs := map[string][][2]any{}
			for key, offset := range body.Offsets {
				for ; ; offset++ {
					value, err := kv.Read(context.Background(), fmt.Sprintf("%s/%d", key, offset))
					if err != nil {
						break
					}
					msgs[key] = append(msgs[key], [2]any{offset, value})
				}
			}
			return n.Reply(msg, map[string]any{"type": "poll_ok", "msgs": msgs})
		})
	}
}

// A chanLock is a mutex with which virtual time goes on.
type chanLock chan bool

func (c chanLock) Lock()   { c <- true }
func (c chanLock) Unlock() { <-c }

func TestKafka(t *testing.T) {
	virtually(t, func(t *testing.T) {
		c := newCluster(t, func(n *maelstrom.Node) { kafka(make(chanLock, 1))(n) })
		const sends = 30
		for i := range sends {
			c.ask([]string{"n1", "n2"}[i%2], map[string]any{"type": "send", "key": "k", "msg": i})
		}
		offsets := map[float64]bool{}
		for range sends {
			var body struct {
				Type   string
				Offset float64
			}
			json.Unmarshal((<-c.replies).Body, &body)
			if body.Type != "send_ok" || offsets[body.Offset] {
				t.Errorf("%+v", body)
			}
			offsets[body.Offset] = true
		}
		reply := c.call("n1", map[string]any{"type": "poll", "offsets": map[string]int{"k": 0}})
		if got := reply["msgs"].(map[string]any)["k"].([]any); len(got) != sends {
			t.Errorf("%d messages: %v", len(got), got)
		}
	})
}

package moves

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

// On the real clock, because virtual time stands still while a goroutine waits for a mutex.
func TestMutexHeldAcrossSyncRPC(t *testing.T) {
	var mu sync.Mutex
	var inside atomic.Int32
	w := live(t, func(n *maelstrom.Node) {
		n.Handle("locked", func(m maelstrom.Message) error {
			mu.Lock()
			defer mu.Unlock()
			if inside.Add(1) != 1 {
				t.Error("two handlers hold one mutex")
			}
			defer inside.Add(-1)
			if _, err := n.SyncRPC(context.Background(), "n2", body("read")); err != nil {
				return err
			}
			return n.Reply(m, body("locked_ok"))
		})
	})
	const requests = 50
	go func() {
		for id := 2; id < 2+requests; id++ {
			w.write(ask(id, "locked"))
		}
	}()
	for answered := 0; answered < requests; {
		line := w.line()
		var m struct {
			Body maelstrom.MessageBody `json:"body"`
		}
		if json.Unmarshal([]byte(line), &m) != nil {
			t.Fatalf("after %d answers: %s", answered, line)
		}
		if m.Body.Type == "read" {
			go w.write(fmt.Sprintf(`{"src":"n2","dest":"n1","body":{"type":"read_ok","in_reply_to":%d}}`+"\n", m.Body.MsgID))
			continue
		}
		wants(t, line, `"locked_ok"`)
		answered++
	}
	w.end()
}

// Each handler waits for the one after it.
func TestHandlersWaitForEachOther(t *testing.T) {
	virtually(t, func(t *testing.T) {
		const requests = 50
		gates := make([]chan struct{}, requests+1)
		for i := range gates {
			gates[i] = make(chan struct{})
		}
		close(gates[requests])
		var lines strings.Builder
		for i := range requests {
			fmt.Fprintf(&lines, `{"src":"c1","dest":"n1","body":{"type":"wait","msg_id":%d,"i":%d}}`+"\n", i+2, i)
		}
		out, err := serve(t, lines.String(), func(n *maelstrom.Node) {
			n.Handle("wait", func(m maelstrom.Message) error {
				var b struct{ I int }
				json.Unmarshal(m.Body, &b)
				<-gates[b.I+1]
				close(gates[b.I])
				return n.Reply(m, body("wait_ok"))
			})
		})
		if err != nil || strings.Count(out, "wait_ok") != requests {
			t.Errorf("%d were answered, %v", strings.Count(out, "wait_ok"), err)
		}
	})
}

func TestHandlersSleepAtOnce(t *testing.T) {
	virtually(t, func(t *testing.T) {
		start := time.Now()
		out, err := serve(t, strings.Repeat(ask(2, "sleep"), 100), func(n *maelstrom.Node) {
			n.Handle("sleep", func(m maelstrom.Message) error {
				time.Sleep(10 * time.Second)
				return n.Reply(m, body("sleep_ok"))
			})
		})
		if err != nil || strings.Count(out, "sleep_ok") != 100 {
			t.Errorf("%d were answered, %v", strings.Count(out, "sleep_ok"), err)
		}
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// What a handler has sent leaves the node while the handler still runs.
func TestSendLeavesBeforeTheHandlerReturns(t *testing.T) {
	virtually(t, func(t *testing.T) {
		gate := make(chan struct{})
		w := live(t, func(n *maelstrom.Node) {
			n.Handle("t", func(m maelstrom.Message) error {
				n.Send("n2", body("gossip"))
				<-gate
				return n.Reply(m, body("t_ok"))
			})
		})
		w.write(ask(2, "t"))
		wants(t, w.line(), `"gossip"`)
		close(gate)
		wants(t, w.line(), `"t_ok"`)
		w.end()
	})
}

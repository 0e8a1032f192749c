// Broadcast by gossip: a timer sends each peer the values that it has not acknowledged, in
// one-way messages. A handler gets the acknowledgements.
package main

import (
	"encoding/json"
	"log"
	"sync"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

type gossip struct {
	Type     string    `json:"type"`
	Messages []float64 `json:"messages"`
}

func main() {
	n := maelstrom.NewNode()
	var mu sync.Mutex
	seen := map[float64]bool{}
	acked := map[string]map[float64]bool{}

	n.Handle("topology", func(msg maelstrom.Message) error {
		return n.Reply(msg, map[string]string{"type": "topology_ok"})
	})
	n.Handle("broadcast", func(msg maelstrom.Message) error {
		var body map[string]any
		if err := json.Unmarshal(msg.Body, &body); err != nil {
			return err
		}
		mu.Lock()
		seen[body["message"].(float64)] = true
		mu.Unlock()
		delete(body, "message")
		body["type"] = "broadcast_ok"
		return n.Reply(msg, body)
	})
	n.Handle("read", func(msg maelstrom.Message) error {
		mu.Lock()
		defer mu.Unlock()
		messages := make([]float64, 0, len(seen))
		for m := range seen {
			messages = append(messages, m)
		}
		return n.Reply(msg, map[string]any{"type": "read_ok", "messages": messages})
	})
	n.Handle("gossip", func(msg maelstrom.Message) error {
		var body gossip
		if err := json.Unmarshal(msg.Body, &body); err != nil {
			return err
		}
		mu.Lock()
		for _, m := range body.Messages {
			seen[m] = true
		}
		mu.Unlock()
		return n.Reply(msg, gossip{"gossip_ok", body.Messages})
	})
	n.Handle("gossip_ok", func(msg maelstrom.Message) error {
		var body gossip
		if err := json.Unmarshal(msg.Body, &body); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if acked[msg.Src] == nil {
			acked[msg.Src] = map[float64]bool{}
		}
		for _, m := range body.Messages {
			acked[msg.Src][m] = true
		}
		return nil
	})

	ready := make(chan struct{})
	n.Handle("init", func(maelstrom.Message) error {
		close(ready)
		return nil
	})
	go func() {
		<-ready
		for range time.Tick(50 * time.Millisecond) {
			for _, peer := range n.NodeIDs() {
				if peer == n.ID() {
					continue
				}
				body := gossip{Type: "gossip"}
				mu.Lock()
				for m := range seen {
					if !acked[peer][m] {
						body.Messages = append(body.Messages, m)
					}
				}
				mu.Unlock()
				if body.Messages == nil {
					continue
				}
				if err := n.Send(peer, body); err != nil {
					log.Fatal(err)
				}
			}
		}
	}()
	if err := n.Run(); err != nil {
		log.Fatal(err)
	}
}

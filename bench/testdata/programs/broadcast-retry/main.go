// Broadcast with a retry loop for each neighbour and message.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"sync"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

type server struct {
	n *maelstrom.Node

	mu    sync.Mutex
	seen  map[int]bool
	peers []string
}

func main() {
	s := &server{n: maelstrom.NewNode(), seen: map[int]bool{}}
	s.n.Handle("init", s.init)
	s.n.Handle("topology", s.topology)
	s.n.Handle("broadcast", s.broadcast)
	s.n.Handle("read", s.read)
	if err := s.n.Run(); err != nil {
		log.Printf("ERROR: %s", err)
		os.Exit(1)
	}
}

// Until a topology comes, every node is a neighbour.
func (s *server) init(maelstrom.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.n.NodeIDs() {
		if id != s.n.ID() {
			s.peers = append(s.peers, id)
		}
	}
	return nil
}

func (s *server) topology(msg maelstrom.Message) error {
	var body struct {
		Topology map[string][]string `json:"topology"`
	}
	if err := json.Unmarshal(msg.Body, &body); err != nil {
		return err
	}
	s.mu.Lock()
	s.peers = body.Topology[s.n.ID()]
	s.mu.Unlock()
	return s.n.Reply(msg, map[string]any{"type": "topology_ok"})
}

func (s *server) broadcast(msg maelstrom.Message) error {
	var body struct {
		maelstrom.MessageBody
		Message int `json:"message"`
	}
	if err := json.Unmarshal(msg.Body, &body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seen[body.Message] {
		s.seen[body.Message] = true
		for _, peer := range s.peers {
			if peer != msg.Src {
				go s.pass(peer, body.Message)
			}
		}
	}
	return s.n.Reply(msg, map[string]any{"type": "broadcast_ok"})
}

func (s *server) pass(peer string, message int) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		_, err := s.n.SyncRPC(ctx, peer, map[string]any{"type": "broadcast", "message": message})
		cancel()
		if err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *server) read(msg maelstrom.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages := []int{}
	for m := range s.seen {
		messages = append(messages, m)
	}
	return s.n.Reply(msg, map[string]any{"type": "read_ok", "messages": messages})
}

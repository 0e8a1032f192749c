package moves

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	maelstrom "github.com/jepsen-io/maelstrom/demo/go"
)

// A cluster is nodes on pipes, a store in memory under the names of all services, and a
// client, c1, which the test simulates.
type cluster struct {
	mu      sync.Mutex
	nodes   map[string]chan []byte // lines for them; who waits for a mutex of a pipe's stops virtual time
	replies chan maelstrom.Message
	store   map[string]json.RawMessage
	sent    int
}

// newCluster runs nodes n1 and n2. The test ends when they have ended.
func newCluster(t *testing.T, program func(n *maelstrom.Node)) *cluster {
	c := &cluster{
		nodes: map[string]chan []byte{}, store: map[string]json.RawMessage{},
		replies: make(chan maelstrom.Message, 100),
	}
	ids := []string{"n1", "n2"}
	for _, id := range ids {
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		n := maelstrom.NewNode()
		n.Stdin, n.Stdout = in, out
		program(n)
		lines := make(chan []byte, 1000)
		c.nodes[id] = lines
		go func() {
			for line := range lines {
				stdin.Write(line)
			}
			stdin.Close()
		}()
		go func() {
			if err := n.Run(); err != nil {
				t.Errorf("%s: %v", id, err)
			}
			out.Close()
		}()
		go func() {
			for d := json.NewDecoder(stdout); ; {
				var m maelstrom.Message
				if d.Decode(&m) != nil {
					return
				}
				go c.deliver(m)
			}
		}()
		c.call(id, map[string]any{"type": "init", "node_id": id, "node_ids": ids})
	}
	t.Cleanup(func() {
		for _, lines := range c.nodes {
			close(lines)
		}
	})
	return c
}

func (c *cluster) deliver(m maelstrom.Message) {
	switch {
	case m.Dest == "c1":
		c.replies <- m
	case strings.HasSuffix(m.Dest, "-kv"):
		c.serve(m)
	default:
		c.write(m)
	}
}

func (c *cluster) write(m maelstrom.Message) {
	line, _ := json.Marshal(m)
	c.mu.Lock()
	lines := c.nodes[m.Dest]
	c.mu.Unlock()
	lines <- append(line, '\n')
}

// serve is the service, 5 ms away.
func (c *cluster) serve(m maelstrom.Message) {
	time.Sleep(5 * time.Millisecond)
	var ask struct {
		maelstrom.MessageBody
		Key             string
		Value, From, To json.RawMessage
		Create          bool `json:"create_if_not_exists"`
	}
	json.Unmarshal(m.Body, &ask)
	reply := map[string]any{"type": ask.Type + "_ok", "in_reply_to": ask.MsgID}
	fail := func(code int) {
		reply = map[string]any{"type": "error", "code": code, "text": "no", "in_reply_to": ask.MsgID}
	}
	c.mu.Lock()
	value, exists := c.store[ask.Key]
	switch {
	case ask.Type == "write":
		c.store[ask.Key] = ask.Value
	case !exists && !ask.Create:
		fail(maelstrom.KeyDoesNotExist)
	case ask.Type == "read":
		reply["value"] = value
	case exists && string(value) != string(ask.From):
		fail(maelstrom.PreconditionFailed)
	default:
		c.store[ask.Key] = ask.To
	}
	c.mu.Unlock()
	text, _ := json.Marshal(reply)
	c.write(maelstrom.Message{Src: m.Dest, Dest: m.Src, Body: text})
}

// call sends a request to a node and waits for its reply.
func (c *cluster) call(dest string, body map[string]any) (reply map[string]any) {
	c.ask(dest, body)
	json.Unmarshal((<-c.replies).Body, &reply)
	return reply
}

func (c *cluster) ask(dest string, body map[string]any) {
	c.mu.Lock()
	c.sent++
	body["msg_id"] = c.sent
	c.mu.Unlock()
	text, _ := json.Marshal(body)
	c.write(maelstrom.Message{Src: "c1", Dest: dest, Body: text})
}

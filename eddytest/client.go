package eddytest

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/message"
)

// A Client sends and receives messages as the test says. It may take the place of a node,
// and then receives the requests and replies to that node.
//
// A body is a JSON object as text (a string, []byte or eddy.Raw), or any other Go value,
// which encoding/json makes one.
type Client struct {
	// Patience is how long Call, Await and Receive wait before they fail the test. 0 means
	// a minute.
	Patience time.Duration

	net    *Net
	name   string
	spared bool // no fault affects its messages

	changed sync.Cond // its lock is mu of net, which guards what follows
	inbox   []eddy.Message
	lastID  int64
	awaited map[int64]bool
	ended   bool
}

// Client adds a client with this name to the network. The name may be that of a node that is
// not started.
func (n *Net) Client(name string) *Client {
	n.t.Helper()
	c := &Client{net: n, name: name, awaited: make(map[int64]bool)}
	c.changed.L = &n.mu
	n.enter(name, c)
	return c
}

// Call sends a request and waits for its reply.
func (c *Client) Call(dest string, body any) eddy.Message {
	c.net.t.Helper()
	return c.Await(c.Request(dest, body))
}

// Request sends a request with a fresh msg_id, which it returns.
func (c *Client) Request(dest string, body any) int64 {
	c.net.t.Helper()
	c.net.mu.Lock()
	c.lastID++
	id := c.lastID
	c.awaited[id] = true
	c.net.mu.Unlock()
	c.send(dest, body, "msg_id", id)
	return id
}

// Await waits for the reply to a request. Receive returns further replies to it.
func (c *Client) Await(id int64) eddy.Message {
	c.net.t.Helper()
	m, ok := c.take(true, func(m eddy.Message) bool { return m.InReplyTo == id })
	if !ok {
		c.net.t.Fatalf("eddytest: %s received no reply to its request %d", c.name, id)
	}
	c.net.mu.Lock()
	delete(c.awaited, id)
	c.net.mu.Unlock()
	return m
}

// Receive waits for the next message that is not the reply to a request.
func (c *Client) Receive() eddy.Message {
	c.net.t.Helper()
	m, ok := c.take(true, c.unasked)
	if !ok {
		c.net.t.Fatalf("eddytest: %s received no message", c.name)
	}
	return m
}

// TryReceive is Receive that does not wait. ok is false if there is no message.
func (c *Client) TryReceive() (m eddy.Message, ok bool) { return c.take(false, c.unasked) }

// Handle calls f for each message that Receive would return, one after the other, on a
// goroutine that ends with the test.
func (c *Client) Handle(f func(m eddy.Message)) {
	c.net.handlers.Go(func() {
		for {
			c.net.mu.Lock()
			for c.find(c.unasked) < 0 && !c.ended {
				c.changed.Wait()
			}
			ended := c.ended
			c.net.mu.Unlock()
			if ended {
				return
			}
			if m, ok := c.TryReceive(); ok {
				f(m)
			}
		}
	})
}

// Reply replies to a request that this client or another one has received.
func (c *Client) Reply(to eddy.Message, body any) {
	c.net.t.Helper()
	c.send(to.Src, body, "in_reply_to", to.ID)
}

// Send sends a message with the ids that its body has. If it has none, the message is a
// one-way message.
func (c *Client) Send(dest string, body any) {
	c.net.t.Helper()
	c.send(dest, body, "", eddy.NoID)
}

// send sends a body, with an id added if idName is not empty.
func (c *Client) send(dest string, body any, idName string, id int64) {
	c.net.t.Helper()
	text, err := textOf(body)
	if err == nil {
		if idName != "" {
			text = message.With(text, idName, message.Int(id))
		}
		line := append(message.Append(nil, c.name, dest, text), '\n')
		var m eddy.Message
		if m, err = parse(line); err == nil {
			c.net.send(m, line)
			return
		}
	}
	c.net.t.Errorf("eddytest: %s cannot send this body: %v\n%s", c.name, err, text)
}

func textOf(body any) ([]byte, error) {
	switch b := body.(type) {
	case string:
		return []byte(b), nil
	case []byte:
		return b, nil
	case eddy.Raw:
		return b, nil
	}
	return json.Marshal(body)
}

// unasked reports whether a message is no reply to an awaited request.
func (c *Client) unasked(m eddy.Message) bool { return !c.awaited[m.InReplyTo] }

// take removes and returns the first message of a kind in the inbox.
func (c *Client) take(wait bool, kind func(eddy.Message) bool) (m eddy.Message, ok bool) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	at := c.find(kind)
	if at < 0 && wait {
		late := false
		timer := time.AfterFunc(c.patience(), func() {
			c.net.mu.Lock()
			late = true
			c.net.mu.Unlock()
			c.changed.Broadcast()
		})
		defer timer.Stop()
		for ; at < 0 && !late && !c.ended; at = c.find(kind) {
			c.changed.Wait()
		}
	}
	if at < 0 {
		return eddy.Message{}, false
	}
	m = c.inbox[at]
	c.inbox = append(c.inbox[:at], c.inbox[at+1:]...)
	return m, true
}

// find returns the place of the first message of a kind in the inbox, -1 if there is none.
func (c *Client) find(kind func(eddy.Message) bool) int {
	for i, m := range c.inbox {
		if kind(m) {
			return i
		}
	}
	return -1
}

func (c *Client) patience() time.Duration {
	if c.Patience == 0 {
		return time.Minute
	}
	return c.Patience
}

func (c *Client) arrive(m eddy.Message, _ []byte) {
	c.inbox = append(c.inbox, m)
	c.changed.Broadcast()
}

func (c *Client) end() {
	c.ended = true
	c.changed.Broadcast()
}

// Nodes is a node program for the tests of the page. Its first argument selects what it
// does.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body struct {
		Type      string          `json:"type"`
		MsgID     int64           `json:"msg_id"`
		InReplyTo *int64          `json:"in_reply_to"`
		NodeID    string          `json:"node_id"`
		NodeIDs   []string        `json:"node_ids"`
		Echo      json.RawMessage `json:"echo"`
		Target    string          `json:"target"`
		Payload   json.RawMessage `json:"payload"`
		Key       int64           `json:"key"`
		Value     json.RawMessage `json:"value"`
		From      json.RawMessage `json:"from"`
		To        json.RawMessage `json:"to"`
		Txn       [][]any         `json:"txn"`
		Message   int64           `json:"message"`
	} `json:"body"`
}

type node struct {
	mu       sync.Mutex
	id       string
	peers    []string
	next     int
	kept     map[int64]string
	lists    map[int64][]int64
	wasStale bool
	calls    map[int64]*call
}

// A call is a call of the double relay.
type call struct {
	client   string
	id       int64
	target   string
	payload  string
	attempts int
	done     bool
}

func main() {
	n := &node{kept: map[int64]string{}, lists: map[int64][]int64{}, calls: map[int64]*call{}}
	serve := map[string]func(message, string){
		"double": n.double, "split": n.split, "debug": n.debug, "hostile": n.hostile, "stale": n.stale, "once": n.once,
	}[os.Args[1]]
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var m message
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue
		}
		n.mu.Lock()
		_, raw, _ := strings.Cut(lines.Text(), `"body":`)
		if m.Body.Type == "init" {
			n.id, n.peers = m.Body.NodeID, m.Body.NodeIDs
			n.reply(m, `"type":"init_ok"`)
		} else {
			serve(m, strings.TrimSuffix(raw, "}"))
		}
		n.mu.Unlock()
	}
}

// send sends a body and returns its msg_id.
func (n *node) send(dest, members string) int64 {
	id := n.next
	n.next++
	src, _ := json.Marshal(n.id)
	to, _ := json.Marshal(dest)
	fmt.Printf(`{"src":%s,"dest":%s,"body":{%s,"msg_id":%d}}`+"\n", src, to, members, id)
	return int64(id)
}

func (n *node) reply(m message, members string) {
	n.send(m.Src, fmt.Sprintf(`%s,"in_reply_to":%d`, members, m.Body.MsgID))
}

// double is a relay with a bug: if the replies to two attempts of a call arrive, it
// passes on both.
func (n *node) double(m message, raw string) {
	switch {
	case m.Body.InReplyTo != nil:
		if c := n.calls[*m.Body.InReplyTo]; c != nil && c.target == m.Src {
			c.done = true
			delete(n.calls, *m.Body.InReplyTo) // the bug: the other attempts stay
			n.send(c.client, fmt.Sprintf(`"type":"relay_ok","attempts":%d,"result":%s,"in_reply_to":%d`, c.attempts, raw, c.id))
		}
	case m.Body.Type == "relay":
		n.attempt(&call{client: m.Src, id: m.Body.MsgID, target: m.Body.Target, payload: strings.Trim(string(m.Body.Payload), "{}")})
	case m.Body.Type == "echo":
		n.reply(m, `"type":"echo_ok","echo":`+string(m.Body.Echo))
	}
}

func (n *node) attempt(c *call) {
	c.attempts++
	n.calls[n.send(c.target, c.payload)] = c
	time.AfterFunc(100*time.Millisecond, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		switch {
		case c.done:
		case c.attempts < 3:
			n.attempt(c)
		default:
			c.done = true
			n.send(c.client, fmt.Sprintf(`"type":"error","code":0,"text":"no reply","in_reply_to":%d`, c.id))
		}
	})
}

// split is a store that sends writes to the other nodes and does not wait for them, so
// that a partition makes two stores of it.
func (n *node) split(m message, _ string) {
	key := m.Body.Key
	switch m.Body.Type {
	case "write":
		n.keep(key, string(m.Body.Value))
		n.reply(m, `"type":"write_ok"`)
	case "cas":
		now, known := n.kept[key]
		switch {
		case !known:
			n.reply(m, `"type":"error","code":20,"text":"no such key"`)
		case now != string(m.Body.From):
			n.reply(m, `"type":"error","code":22,"text":"another value"`)
		default:
			n.keep(key, string(m.Body.To))
			n.reply(m, `"type":"cas_ok"`)
		}
	case "read":
		if now, known := n.kept[key]; known {
			n.reply(m, `"type":"read_ok","value":`+now)
			return
		}
		n.reply(m, `"type":"error","code":20,"text":"no such key"`)
	case "copy":
		n.kept[key] = string(m.Body.Value)
	}
}

func (n *node) keep(key int64, value string) {
	n.kept[key] = value
	for _, peer := range n.peers {
		if peer != n.id {
			n.send(peer, fmt.Sprintf(`"type":"copy","key":%d,"value":%s`, key, value))
		}
	}
}

// stale serves transactions on lists. One transaction without an append does not see the
// latest element of a list.
func (n *node) stale(m message, _ string) {
	writes := false
	for _, op := range m.Body.Txn {
		writes = writes || op[0] == "append"
	}
	old := int64(-1) // the key whose latest element is not shown
	for _, op := range m.Body.Txn {
		key := int64(op[1].(float64))
		list := n.lists[key]
		switch {
		case op[0] == "append":
			n.lists[key] = append(list, int64(op[2].(float64)))
			continue
		case !writes && n.next > 20 && len(list) > 1 && !n.wasStale:
			old, n.wasStale = key, true
		}
		if key == old {
			list = list[:len(list)-1]
		}
		op[2] = append([]int64{}, list...)
	}
	done, _ := json.Marshal(m.Body.Txn)
	n.reply(m, `"type":"txn_ok","txn":`+string(done))
}

// once keeps what is broadcast and sends it to each other node once.
func (n *node) once(m message, _ string) {
	switch m.Body.Type {
	case "broadcast":
		n.lists[0] = append(n.lists[0], m.Body.Message)
		for _, peer := range n.peers {
			if peer != n.id {
				n.send(peer, fmt.Sprintf(`"type":"tell","value":%d`, m.Body.Message))
			}
		}
		n.reply(m, `"type":"broadcast_ok"`)
	case "tell":
		value, _ := strconv.ParseInt(string(m.Body.Value), 10, 64)
		n.lists[0] = append(n.lists[0], value)
	case "read":
		all, _ := json.Marshal(n.lists[0])
		n.reply(m, `"type":"read_ok","messages":`+string(all))
	case "topology":
		n.reply(m, `"type":"topology_ok"`)
	}
}

// debug replies to echo, and once writes a debug line to stdout.
func (n *node) debug(m message, _ string) {
	if n.next == 12 {
		fmt.Println("DEBUG: got an echo from", m.Src)
	}
	n.reply(m, `"type":"echo_ok","echo":`+string(m.Body.Echo))
}

// hostile replies to echo with texts that would run as a script, or change the direction
// of writing, if a page did not show them as text.
func (n *node) hostile(m message, _ string) {
	const script = `</script><script>document.title="taken"</script><img src=x onerror='document.title="taken"'>`
	types := []string{script, "\u202eevil\u2066", "null\u0000byte", `"quotes' and \ and <!-- -->`, strings.Repeat("long", 60_000)}
	typ := raw(types[n.next%len(types)])
	text := raw(script + "\u202e\u0007" + strings.Repeat("x", 1<<20))
	n.send(n.id, fmt.Sprintf(`"type":%s,"text":%s`, typ, text))
	n.reply(m, `"type":"echo_ok","echo":`+string(m.Body.Echo))
}

// raw returns a JSON string with as few escapes as possible.
func raw(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s)
	return bytes.TrimSpace(b.Bytes())
}

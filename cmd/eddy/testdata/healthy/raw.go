package healthy

import (
	"bufio"
	"encoding/json"
	"sync"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A raw node writes its lines itself. It replies to init.
type raw struct {
	p     *program.Process
	id    string
	peers []string            // the other nodes
	ids   func(n int64) int64 // makes the nth msg_id; nil means n

	mu   sync.Mutex // guards next, and lets one line at a time be written
	next int64      // the next msg_id
}

// A message is a message that a raw node reads.
type message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body struct {
		Type      string          `json:"type"`
		MsgID     json.RawMessage `json:"msg_id"`
		NodeID    string          `json:"node_id"`
		NodeIDs   []string        `json:"node_ids"`
		Echo      json.RawMessage `json:"echo"`
		Message   int64           `json:"message"`
		Values    []int64         `json:"values"`
		Target    string          `json:"target"`
		Payload   json.RawMessage `json:"payload"`
		InReplyTo json.RawMessage `json:"in_reply_to"`
	} `json:"body"`

	raw json.RawMessage // the body as it was read
}

// serve calls on for every message after init, one at a time, until the input ends.
func (r *raw) serve(on func(m *message)) {
	r.each(func(m *message) {
		if m.Body.Type == "init" {
			r.init(m)
			r.reply(m, `"type":"init_ok"`)
			return
		}
		if r.id != "" { // a message of another node can come first
			on(m)
		}
	})
}

// init takes in the names.
func (r *raw) init(m *message) {
	r.id = m.Body.NodeID
	for _, id := range m.Body.NodeIDs {
		if id != r.id {
			r.peers = append(r.peers, id)
		}
	}
}

// each calls on for every message.
func (r *raw) each(on func(m *message)) {
	lines := bufio.NewReader(r.p.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		m := &message{}
		var whole struct{ Body json.RawMessage }
		if json.Unmarshal(line, m) != nil || json.Unmarshal(line, &whole) != nil {
			continue
		}
		m.raw = whole.Body
		on(m)
	}
}

// line writes a message as it is.
func (r *raw) line(src, dest, members string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.p.Printf(`{"src":%q,"dest":%q,"body":{%s}}`+"\n", src, dest, members)
}

// send sends a message with the next msg_id, which it returns.
func (r *raw) send(dest, members string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	id := r.next
	if r.ids != nil {
		id = r.ids(id)
	}
	r.p.Printf(`{"src":%q,"dest":%q,"body":{%s,"msg_id":%d}}`+"\n", r.id, dest, members, id)
	return id
}

// reply replies to a request.
func (r *raw) reply(m *message, members string) {
	if id := string(m.Body.MsgID); id != "" && id != "null" {
		r.send(m.Src, members+`,"in_reply_to":`+id)
	}
}

func (r *raw) echo(m *message) { r.reply(m, `"type":"echo_ok","echo":`+string(m.Body.Echo)) }

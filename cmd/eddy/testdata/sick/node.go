// Package sick holds node programs with one thing wrong each, for the tests of
// eddy test, and what all such programs are made of. Verdicts.txt says what eddy
// test must make of each.
package sick

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Message is what a node reads.
type Message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body struct {
		Type      string         `json:"type"`
		MsgID     int64          `json:"msg_id"`
		InReplyTo *int64         `json:"in_reply_to"`
		NodeID    string         `json:"node_id"`
		Echo      jsontext.Value `json:"echo"`
		Target    string         `json:"target"`
		Payload   jsontext.Value `json:"payload"`
		Text      string         `json:"text"`
		Size      int            `json:"size"`
		TS        int64          `json:"ts"`
	} `json:"body"`

	Raw string `json:"-"` // the body as it came
}

// A Node is a node as it should be, but for what it is told to do otherwise: it
// numbers what it sends from 0, and answers init and echo.
type Node struct {
	ID     string
	Next   int                // the msg_id of what it sends next
	Before func(Message) bool // looks at every message first; reports whether it took it
	On     func(Message) bool // likewise, but not at init
}

// New is a node that does nothing of its own.
func New() *Node { return &Node{} }

// Serve answers until the input ends.
func (n *Node) Serve() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m Message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			continue // a script's own rubbish
		}
		_, m.Raw, _ = strings.Cut(lines.Text(), `"body":`)
		m.Raw = strings.TrimSuffix(m.Raw, "}")
		switch {
		case n.Before != nil && n.Before(m):
		case m.Body.Type == "init":
			n.ID = m.Body.NodeID
			n.Reply(m, `{"type":"init_ok"}`)
		case n.On != nil && n.On(m):
		case m.Body.Type == "echo":
			n.Echo(m)
		default:
			n.Reply(m, `{"type":"error","code":10,"text":"no such type"}`)
		}
	}
}

// Reply answers a request; what is none is not answered.
func (n *Node) Reply(to Message, body string) {
	if !strings.Contains(to.Raw, `"msg_id":`) {
		return // it is no request
	}
	if n.ID == "" {
		n.ID = to.Dest // without init
	}
	n.Send(to.Src, strings.TrimSuffix(body, "}")+fmt.Sprintf(`,"in_reply_to":%d}`, to.Body.MsgID))
}

// Send sends a message with the next msg_id.
func (n *Node) Send(dest, body string) {
	fmt.Printf(`{"src":%q,"dest":%q,"body":%s,"msg_id":%d}}`+"\n", n.ID, dest, strings.TrimSuffix(body, "}"), n.Next)
	n.Next++
}

// Echo answers an echo.
func (n *Node) Echo(m Message) {
	n.Reply(m, `{"type":"echo_ok","echo":`+string(m.Body.Echo)+`}`)
}

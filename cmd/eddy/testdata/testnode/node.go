// Package testnode has node programs for the tests of eddy test: a simple node, and
// nodes with one bug each. verdicts.txt has the expected verdicts on these;
// NeedProcesses has those on nodes that run as processes.
package testnode

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A Message is a message that a node reads.
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

		NodeIDs []string         `json:"node_ids"`
		Element int64            `json:"element"`
		Delta   int64            `json:"delta"`
		Value   jsontext.Value   `json:"value"`
		Adds    map[string]int64 `json:"adds"`
	} `json:"body"`

	Raw string `json:"-"` // the body as it was read
}

// A Node is a correct node that can be changed by Before and On. It numbers its
// messages from 0 and replies to init and echo.
type Node struct {
	P      *program.Process
	ID     string
	Next   int                // the next msg_id
	Before func(Message) bool // handles a message first; returns true if no one else shall handle it
	On     func(Message) bool // like Before, but not for init
}

// New returns a node without changes.
func New(p *program.Process) *Node { return &Node{P: p} }

// Serve handles messages until the end of the input.
func (n *Node) Serve() {
	lines := bufio.NewScanner(n.P.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		n.handle(lines.Text())
	}
}

// handle handles a line.
func (n *Node) handle(line string) {
	var m Message
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		return // scripts may send lines that are not messages
	}
	_, m.Raw, _ = strings.Cut(line, `"body":`)
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

// Reply replies to a message if it is a request.
func (n *Node) Reply(to Message, body string) {
	if !strings.Contains(to.Raw, `"msg_id":`) {
		return // not a request
	}
	if n.ID == "" {
		n.ID = to.Dest // without init
	}
	n.Send(to.Src, strings.TrimSuffix(body, "}")+fmt.Sprintf(`,"in_reply_to":%d}`, to.Body.MsgID))
}

// Send sends a message with the next msg_id.
func (n *Node) Send(dest, body string) {
	n.P.Printf(`{"src":%s,"dest":%s,"body":%s,"msg_id":%d}}`+"\n", Quote(n.ID), Quote(dest), strings.TrimSuffix(body, "}"), n.Next)
	n.Next++
}

// Quote returns a name as a JSON string. Go's own quotes are not always JSON.
func Quote(name string) string {
	quoted, _ := jsontext.AppendQuote(nil, name)
	return string(quoted)
}

// Echo replies to an echo request.
func (n *Node) Echo(m Message) {
	n.Reply(m, `{"type":"echo_ok","echo":`+string(m.Body.Echo)+`}`)
}

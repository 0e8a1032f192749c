package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// testNodes are node programs for the scripts, by name. They number what they
// send from 0, answer init and echo, and each has one thing of its own.
var testNodes = map[string]func(){
	// node-echo knows no other type.
	"node-echo": func() { newTestNode().serve() },

	// node-quiet answers init alone.
	"node-quiet": func() {
		n := newTestNode()
		n.on = func(testMessage) bool { return true }
		n.serve()
	},

	// node-relay relays with two attempts; after the second it waits for ever.
	"node-relay": func() {
		n := newTestNode()
		var asked testMessage
		attempt := 0
		n.on = func(m testMessage) bool {
			switch {
			case m.Body.Type == "relay":
				asked, attempt = m, 1
				n.send(m.Body.Target, string(m.Body.Payload))
				attempt++
				n.send(m.Body.Target, string(m.Body.Payload))
			case m.Body.InReplyTo != nil:
				n.reply(asked, fmt.Sprintf(`{"type":"relay_ok","attempts":%d,"result":%s}`, attempt, m.body))
			default:
				return false
			}
			return true
		}
		n.serve()
	},

	// node-ask does what it is told: ask sends a request to a target, line and
	// stderr write a text.
	"node-ask": func() {
		n := newTestNode()
		n.on = func(m testMessage) bool {
			switch m.Body.Type {
			case "ask":
				n.send(m.Body.Target, string(m.Body.Payload))
			case "line":
				os.Stdout.WriteString(strings.ReplaceAll(m.Body.Text, "!ff", "\xff") + "\n")
			case "stderr":
				fmt.Fprintln(os.Stderr, m.Body.Text)
			default:
				return m.Body.InReplyTo != nil
			}
			n.reply(m, `{"type":"done"}`)
			return true
		}
		n.serve()
	},

	// node-die dies when told to, and with 4 at the end of its input.
	"node-die": func() {
		n := newTestNode()
		n.on = func(m testMessage) bool {
			if m.Body.Type == "die" {
				fmt.Fprint(os.Stderr, "one thing\nand \x1b[31manother\n\tthe last")
				os.Exit(3)
			}
			return false
		}
		n.serve()
		fmt.Fprintln(os.Stderr, "no input, no life")
		os.Exit(4)
	},

	// node-rude says to terminals what they would obey.
	"node-rude": func() {
		n := newTestNode()
		n.on = func(m testMessage) bool {
			n.reply(m, `{"type":"echo_ok","echo":"`+"\u009b31m\u202e\x7f"+`"}`)
			return true
		}
		n.serve()
	},

	// node-exit has gone before anybody talks to it.
	"node-exit": func() {},

	// node-hang does not end with its input.
	"node-hang": func() { newTestNode().serve(); select {} },

	// node-big answers with as many bytes as it is told.
	"node-big": func() {
		n := newTestNode()
		n.on = func(m testMessage) bool {
			n.reply(m, `{"type":"big_ok","data":"`+strings.Repeat("x", m.Body.Size)+`"}`)
			return true
		}
		n.serve()
	},
}

type testMessage struct {
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

	line string
	body string // as it came
}

type testNode struct {
	id   string
	next int
	on   func(testMessage) bool // reports whether it took the message

	before func(testMessage) bool // likewise, before it is looked at
}

func newTestNode() *testNode { return &testNode{on: func(testMessage) bool { return false }} }

// serve answers until the input ends.
func (n *testNode) serve() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := testMessage{line: lines.Text()}
		if err := json.Unmarshal([]byte(m.line), &m); err != nil {
			continue // a script's own rubbish
		}
		_, m.body, _ = strings.Cut(m.line, `"body":`)
		m.body = strings.TrimSuffix(m.body, "}")
		switch {
		case n.before != nil && n.before(m):
		case m.Body.Type == "init":
			n.id = m.Body.NodeID
			n.reply(m, `{"type":"init_ok"}`)
		case n.on(m):
		case m.Body.Type == "echo":
			n.reply(m, `{"type":"echo_ok","echo":`+string(m.Body.Echo)+`}`)
		default:
			n.reply(m, `{"type":"error","code":10,"text":"no such type"}`)
		}
	}
}

func (n *testNode) reply(to testMessage, body string) {
	if !strings.Contains(to.body, `"msg_id":`) {
		return // it is no request
	}
	if n.id == "" {
		n.id = to.Dest // without init
	}
	n.send(to.Src, strings.TrimSuffix(body, "}")+fmt.Sprintf(`,"in_reply_to":%d}`, to.Body.MsgID))
}

func (n *testNode) send(dest, body string) {
	fmt.Printf(`{"src":%q,"dest":%q,"body":%s,"msg_id":%d}}`+"\n", n.id, dest, strings.TrimSuffix(body, "}"), n.next)
	n.next++
}

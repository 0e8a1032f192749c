package testnode

import (
	"bufio"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A plainMessage is a message as a plain program reads it.
type plainMessage struct {
	Src  string                    `json:"src"`
	Body map[string]jsontext.Value `json:"body"`
}

func (m *plainMessage) text(name string) string {
	var s string
	json.Unmarshal(m.Body[name], &s) // "" if it is not a string
	return s
}

// A plainNode is a node that writes every byte of its messages itself.
type plainNode struct {
	p      *program.Process
	id     string
	others []string
}

// write writes a message with the node's name.
func (n *plainNode) write(dest, format string, args ...any) { n.writeAs(n.id, dest, format, args...) }

func (n *plainNode) writeAs(src, dest, format string, args ...any) {
	n.p.Printf(`{"src":%q,"dest":%q,"body":%s}`+"\n", src, dest, fmt.Sprintf(format, args...))
}

// serve calls on with every message but init.
func (n *plainNode) serve(on func(plainMessage)) {
	lines := bufio.NewScanner(n.p.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m plainMessage
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			panic(err)
		}
		if m.text("type") != "init" {
			on(m)
			continue
		}
		n.id = m.text("node_id")
		json.Unmarshal(m.Body["node_ids"], &n.others)
		n.others = slices.DeleteFunc(n.others, func(name string) bool { return name == n.id })
		n.write(m.Src, `{"type":"init_ok","in_reply_to":%s}`, m.Body["msg_id"])
	}
}

// BothReply lets n1 and n2 reply to a request.
func BothReply(p *program.Process) {
	n := &plainNode{p: p}
	n.serve(func(m plainMessage) {
		n.write(m.Src, `{"type":"echo_ok","echo":%s,"in_reply_to":%s}`, m.Body["echo"], m.Body["msg_id"])
		if n.id == "n1" {
			n.writeAs(m.Src, "n2", `{"type":"echo","echo":%s,"msg_id":%s}`, m.Body["echo"], m.Body["msg_id"])
		}
	})
}

// NullRelay asks n2 for an echo, with and without null ids, and replies with its reply.
func NullRelay(p *program.Process) {
	n, waiting := &plainNode{p: p}, plainMessage{}
	n.serve(func(m plainMessage) {
		switch m.text("type") {
		case "relay":
			waiting = m
			n.write("n2", `{"type":"echo","echo":%s,"msg_id":5,"in_reply_to":null}`, m.Body["echo"])
		case "echo":
			n.write(m.Src, `{"type":"echo_ok","echo":%s,"in_reply_to":%s,"msg_id":null}`, m.Body["echo"], m.Body["msg_id"])
		case "echo_ok":
			n.write(waiting.Src, `{"type":"relay_ok","echo":%s,"in_reply_to":%s,"msg_id":null}`, m.Body["echo"], waiting.Body["msg_id"])
		}
	})
}

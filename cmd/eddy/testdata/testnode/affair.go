package testnode

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// An Affair is a node that does something to other nodes that the protocol does not define, and
// gives its clients the right answers.
type Affair struct {
	Run      func(*program.Process)
	Workload string
	Warnings string // the kinds of warnings that it gets
}

// broadcasts serves workload broadcast. gossip sends a new value to another node, and
// on handles what it gets from one; it returns the value of gossip, or "".
func broadcasts(gossip func(n *plainNode, dest string, m plainMessage), on func(n *plainNode, m plainMessage) string) func(*program.Process) {
	return func(p *program.Process) {
		n := &plainNode{p: p}
		var values []string
		n.serve(func(m plainMessage) {
			value := string(m.Body["message"])
			switch typ := m.text("type"); {
			case strings.HasPrefix(m.Src, "n"):
				if value = on(n, m); value != "" && !slices.Contains(values, value) {
					values = append(values, value)
				}
				return
			case typ == "broadcast":
				if slices.Contains(values, value) { // a client broadcasts some values again
					n.write(m.Src, `{"type":"broadcast_ok","msg_id":1,"in_reply_to":%s}`, m.Body["msg_id"])
					return
				}
				values = append(values, value)
				for _, other := range n.others {
					gossip(n, other, m)
				}
				n.write(m.Src, `{"type":"broadcast_ok","msg_id":1,"in_reply_to":%s}`, m.Body["msg_id"])
			case typ == "read" && values == nil:
				n.write(m.Src, `{"type":"read_ok","messages":null,"msg_id":1,"in_reply_to":%s}`, m.Body["msg_id"])
			case typ == "read":
				n.write(m.Src, `{"type":"read_ok","messages":[%s],"in_reply_to":%s}`, strings.Join(values, ","), m.Body["msg_id"])
			default:
				n.write(m.Src, `{"type":"%s_ok","in_reply_to":%s}`, typ, m.Body["msg_id"])
			}
		})
	}
}

// messageOf returns the value of gossip that has it as its message.
func messageOf(_ *plainNode, m plainMessage) string { return string(m.Body["message"]) }

// Affairs are the nodes that do so.
var Affairs = map[string]Affair{
	"every-id-is-1": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"gossip","message":%s,"msg_id":1}`, m.Body["message"])
	}, messageOf), "broadcast", "reused-id"},

	"passes-bodies-on": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"broadcast","message":%s,"msg_id":%s}`, m.Body["message"], m.Body["msg_id"])
	}, func(n *plainNode, m plainMessage) string {
		if m.text("type") == "broadcast" {
			n.write(m.Src, `{"type":"broadcast_ok","in_reply_to":%s}`, m.Body["msg_id"])
		}
		return messageOf(n, m)
	}), "broadcast", "reused-id"},

	// What Maelstrom's Go library writes for a Reply to a Send.
	"replies-to-0": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"gossip","message":%s}`, m.Body["message"])
	}, func(n *plainNode, m plainMessage) string {
		if m.text("type") == "gossip" {
			n.write(m.Src, `{"type":"gossip_ok","in_reply_to":0}`)
		}
		return messageOf(n, m)
	}), "broadcast", "reused-id unrequested-node-reply"},

	"replies-twice": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"gossip","message":%s,"msg_id":1%s}`, m.Body["message"], m.Body["message"])
	}, func(n *plainNode, m plainMessage) string {
		if m.text("type") == "gossip" {
			n.write(m.Src, `{"type":"gossip_ok","in_reply_to":%s}`, m.Body["msg_id"])
			n.write(m.Src, `{"type":"gossip_ok","in_reply_to":%s}`, m.Body["msg_id"])
		}
		return messageOf(n, m)
	}), "broadcast", "extra-node-reply reused-id"},

	"replies-to-null": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"gossip","message":%s,"in_reply_to":null,"msg_id":null}`, m.Body["message"])
	}, messageOf), "broadcast", "odd-id reused-id"},

	"no-types": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"message":%s,"type":["gossip"],"msg_id":"one","in_reply_to":-1}`, m.Body["message"])
	}, messageOf), "broadcast", "no-type odd-id reused-id"},

	// As Maelstrom's own Raft does: only n1 serves, and its reply goes to the client.
	"passes-requests-on": {func(p *program.Process) {
		n, values := &plainNode{p: p}, map[string]string{}
		n.serve(func(m plainMessage) {
			body, err := json.Marshal(m.Body, json.Deterministic(true))
			if err != nil {
				panic(err)
			}
			if n.id != "n1" {
				n.writeAs(m.Src, "n1", "%s", body)
				return
			}
			key := string(m.Body["key"])
			switch typ, value := m.text("type"), values[key]; {
			case typ == "write":
				values[key] = string(m.Body["value"])
				n.write(m.Src, `{"type":"write_ok","in_reply_to":%s}`, m.Body["msg_id"])
			case value == "":
				n.write(m.Src, `{"type":"error","code":20,"text":"no such key","in_reply_to":%s}`, m.Body["msg_id"])
			case typ == "read":
				n.write(m.Src, `{"type":"read_ok","value":%s,"in_reply_to":%s}`, value, m.Body["msg_id"])
			case value != string(m.Body["from"]):
				n.write(m.Src, `{"type":"error","code":22,"text":"differs","in_reply_to":%s}`, m.Body["msg_id"])
			default:
				values[key] = string(m.Body["to"])
				n.write(m.Src, `{"type":"cas_ok","in_reply_to":%s}`, m.Body["msg_id"])
			}
		})
	}, "lin-kv", "forwarded other-replier"},

	"null-before-init": {func(p *program.Process) {
		n := &plainNode{p: p}
		for _, dest := range []string{"n1", "n2"} {
			n.p.Printf(`{"src":null,"dest":%q,"body":{"type":"hello"}}`+"\n", dest)
		}
		n.serve(func(m plainMessage) {
			if strings.HasPrefix(m.Src, "c") {
				n.write(m.Src, `{"type":"echo_ok","echo":%s,"in_reply_to":%s}`, m.Body["echo"], m.Body["msg_id"])
			}
		})
	}, "echo", "null-src"},

	// Its ids begin at 2^64-1, also those of requests to a service.
	"large-ids": {func(p *program.Process) {
		n, next, requests := &plainNode{p: p}, ^uint64(0), map[string]plainMessage{}
		n.serve(func(m plainMessage) {
			if m.text("type") == "generate" {
				requests[fmt.Sprint(next)] = m
				n.write("lin-tso", `{"type":"ts","msg_id":%d}`, next)
				next--
				return
			}
			asked := requests[string(m.Body["in_reply_to"])]
			n.write(asked.Src, `{"type":"generate_ok","id":%s,"in_reply_to":%s,"msg_id":%d}`, m.Body["ts"], asked.Body["msg_id"], next)
			next--
		})
	}, "unique-ids", "odd-id"},

	// Some programs take 0 for no id.
	"no-id-0": {func(p *program.Process) {
		n := &plainNode{p: p}
		n.serve(func(m plainMessage) {
			if id := string(m.Body["msg_id"]); id != "0" {
				n.write(m.Src, `{"type":"echo_ok","echo":%s,"in_reply_to":%s}`, m.Body["echo"], id)
			}
		})
	}, "echo", ""},
}

package testnode

import (
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// A keyNode is a node with one bug that serves workload lin-kv alone, from memory.
type keyNode struct {
	*plainNode
	values map[string]string
	served int
}

func (n *keyNode) serve(before func(m plainMessage) bool) {
	n.plainNode.serve(func(m plainMessage) {
		n.served++
		if before(m) {
			return
		}
		id, key := m.Body["msg_id"], string(m.Body["key"])
		switch typ, value := m.text("type"), n.values[key]; {
		case typ == "write":
			n.values[key] = string(m.Body["value"])
			n.write(m.Src, `{"type":"write_ok","in_reply_to":%s}`, id)
		case value == "":
			n.write(m.Src, `{"type":"error","code":20,"text":"no such key","in_reply_to":%s}`, id)
		case typ == "read":
			n.write(m.Src, `{"type":"read_ok","value":%s,"in_reply_to":%s}`, value, id)
		case value != string(m.Body["from"]):
			n.write(m.Src, `{"type":"error","code":22,"text":"differs","in_reply_to":%s}`, id)
		default:
			n.values[key] = string(m.Body["to"])
			n.write(m.Src, `{"type":"cas_ok","in_reply_to":%s}`, id)
		}
	})
}

func newKeyNode(p *program.Process) *keyNode {
	return &keyNode{plainNode: &plainNode{p: p}, values: map[string]string{}}
}

// Keys are nodes that serve lin-kv.
var Keys = map[string]func(*program.Process){
	// It forgets everything but the key of the request before.
	"one-key": func(p *program.Process) {
		n, last := newKeyNode(p), ""
		n.serve(func(m plainMessage) bool {
			if key := string(m.Body["key"]); key != last {
				clear(n.values)
				last = key
			}
			return false
		})
	},
	// It serves a few requests and answers the others with error 11.
	"refuses": func(p *program.Process) {
		n := newKeyNode(p)
		n.serve(func(m plainMessage) bool {
			if n.served <= 3 {
				return false
			}
			n.write(m.Src, `{"type":"error","code":11,"text":"no leader","in_reply_to":%s}`, m.Body["msg_id"])
			return true
		})
	},
	// It answers the first reads in the final phase with error 11.
	"recovers": func(p *program.Process) {
		n, refused, reads := newKeyNode(p), 0, 0
		n.serve(func(m plainMessage) bool {
			if reads++; m.text("type") != "read" {
				reads = 0
			}
			if reads < 8 || refused == 20 {
				return false
			}
			refused++
			n.write(m.Src, `{"type":"error","code":11,"text":"no leader","in_reply_to":%s}`, m.Body["msg_id"])
			return true
		})
	},
}

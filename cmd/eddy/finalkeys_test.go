package main

import (
	"strings"
	"testing"
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

func newKeyNode() *keyNode { return &keyNode{plainNode: &plainNode{}, values: map[string]string{}} }

func init() {
	// It forgets everything but the key of the request before.
	testNodes["keys-one-key"] = func() {
		n, last := newKeyNode(), ""
		n.serve(func(m plainMessage) bool {
			if key := string(m.Body["key"]); key != last {
				clear(n.values)
				last = key
			}
			return false
		})
	}
	// It serves a few requests and answers the others with error 11.
	testNodes["keys-refuses"] = func() {
		n := newKeyNode()
		n.serve(func(m plainMessage) bool {
			if n.served <= 3 {
				return false
			}
			n.write(m.Src, `{"type":"error","code":11,"text":"no leader","in_reply_to":%s}`, m.Body["msg_id"])
			return true
		})
	}
	// It answers the first reads in the final phase with error 11.
	testNodes["keys-recovers"] = func() {
		n, refused, reads := newKeyNode(), 0, 0
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
	}
}

// A lin-kv store must answer reads of all its keys in the end.
func TestFinalReadsOfKeys(t *testing.T) {
	t.Parallel()
	tests := []struct{ node, clients, verdict, check string }{
		{"keys-one-key", "10", "fail", "not-linearizable"}, // two groups of clients work on two keys
		{"keys-refuses", "1", "unknown", "no-final-read"},
		{"keys-recovers", "1", "pass", ""},
	}
	sideBySide(t, len(tests), func(t *testing.T, i int) {
		test, run := tests[i], eddyTest
		if test.verdict != "pass" {
			run = briefTest
		}
		r := run(t, "-w", "lin-kv", "--bin", test.node, "--nodes", "n1", "--concurrency", test.clients,
			"--rate", "300", "--time-limit", "1", "--seed", "1")
		if r.Verdict != test.verdict || !strings.Contains(r.checks(), test.check) {
			t.Errorf("%s: %s by %q\n%s", test.node, r.Verdict, r.checks(), r.text())
		}
	})
}

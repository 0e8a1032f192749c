package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An affairNode does something to other nodes that the protocol does not define, and
// gives its clients the right answers. It passes with warnings, and fails with
// --sick fail.
type affairNode struct {
	run      func()
	flags    string
	warnings string // the kinds of warnings
}

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
	id     string
	others []string
}

// write writes a message with the node's name.
func (n *plainNode) write(dest, format string, args ...any) { n.writeAs(n.id, dest, format, args...) }

func (n *plainNode) writeAs(src, dest, format string, args ...any) {
	fmt.Printf(`{"src":%q,"dest":%q,"body":%s}`+"\n", src, dest, fmt.Sprintf(format, args...))
}

// serve calls on with every message but init.
func (n *plainNode) serve(on func(plainMessage)) {
	lines := bufio.NewScanner(os.Stdin)
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

// broadcasts serves workload broadcast. gossip sends a new value to another node, and
// on handles what it gets from one; it returns the value of gossip, or "".
func broadcasts(gossip func(n *plainNode, dest string, m plainMessage), on func(n *plainNode, m plainMessage) string) func() {
	return func() {
		n := &plainNode{}
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

// message returns the value of gossip that has it as its message.
func messageOf(_ *plainNode, m plainMessage) string { return string(m.Body["message"]) }

var affairNodes = map[string]affairNode{
	"every-id-is-1": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"gossip","message":%s,"msg_id":1}`, m.Body["message"])
	}, messageOf), "-w broadcast", "reused-id"},

	"passes-bodies-on": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"broadcast","message":%s,"msg_id":%s}`, m.Body["message"], m.Body["msg_id"])
	}, func(n *plainNode, m plainMessage) string {
		if m.text("type") == "broadcast" {
			n.write(m.Src, `{"type":"broadcast_ok","in_reply_to":%s}`, m.Body["msg_id"])
		}
		return messageOf(n, m)
	}), "-w broadcast", "reused-id"},

	// What Maelstrom's Go library writes for a Reply to a Send.
	"replies-to-0": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"gossip","message":%s}`, m.Body["message"])
	}, func(n *plainNode, m plainMessage) string {
		if m.text("type") == "gossip" {
			n.write(m.Src, `{"type":"gossip_ok","in_reply_to":0}`)
		}
		return messageOf(n, m)
	}), "-w broadcast --concurrency 3", "reused-id unrequested-node-reply"},

	"replies-twice": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"gossip","message":%s,"msg_id":1%s}`, m.Body["message"], m.Body["message"])
	}, func(n *plainNode, m plainMessage) string {
		if m.text("type") == "gossip" {
			n.write(m.Src, `{"type":"gossip_ok","in_reply_to":%s}`, m.Body["msg_id"])
			n.write(m.Src, `{"type":"gossip_ok","in_reply_to":%s}`, m.Body["msg_id"])
		}
		return messageOf(n, m)
	}), "-w broadcast", "extra-node-reply reused-id"},

	"replies-to-null": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"type":"gossip","message":%s,"in_reply_to":null,"msg_id":null}`, m.Body["message"])
	}, messageOf), "-w broadcast", "odd-id reused-id"},

	"no-types": {broadcasts(func(n *plainNode, dest string, m plainMessage) {
		n.write(dest, `{"message":%s,"type":["gossip"],"msg_id":"one","in_reply_to":-1}`, m.Body["message"])
	}, messageOf), "-w broadcast", "no-type odd-id reused-id"},

	// As Maelstrom's own Raft does: only n1 serves, and its reply goes to the client.
	"passes-requests-on": {func() {
		n, values := &plainNode{}, map[string]string{}
		n.serve(func(m plainMessage) {
			body, err := json.Marshal(m.Body)
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
	}, "-w lin-kv", "forwarded other-replier"},

	"null-before-init": {func() {
		n := &plainNode{}
		for _, dest := range []string{"n1", "n2"} {
			fmt.Printf(`{"src":null,"dest":%q,"body":{"type":"hello"}}`+"\n", dest)
		}
		n.serve(func(m plainMessage) {
			if strings.HasPrefix(m.Src, "c") {
				n.write(m.Src, `{"type":"echo_ok","echo":%s,"in_reply_to":%s}`, m.Body["echo"], m.Body["msg_id"])
			}
		})
	}, "-w echo", "null-src"},

	// Its ids begin at 2^64-1, also those of requests to a service.
	"large-ids": {func() {
		n, next, requests := &plainNode{}, ^uint64(0), map[string]plainMessage{}
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
	}, "-w unique-ids", "odd-id"},

	// Some programs take 0 for no id.
	"no-id-0": {func() {
		n := &plainNode{}
		n.serve(func(m plainMessage) {
			if id := string(m.Body["msg_id"]); id != "0" {
				n.write(m.Src, `{"type":"echo_ok","echo":%s,"in_reply_to":%s}`, m.Body["echo"], id)
			}
		})
	}, "-w echo", ""},
}

func init() {
	testNodes["node-both-reply"], testNodes["node-null-relay"] = bothReply, nullRelay
	for name, node := range affairNodes {
		testNodes["affair-"+name] = node.run
	}
}

// What nodes say to each other gives warnings.
func TestAffairNodes(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(affairNodes))
	sideBySide(t, len(names), func(t *testing.T, i int) {
		node := affairNodes[names[i]]
		flags := append(strings.Fields(node.flags), "--bin", "affair-"+names[i], "--nodes", "n1,n2,n3",
			"--rate", "60", "--time-limit", "1", "--seed", "1", "--call-timeout", "50ms", "--call-attempts", "1")
		r := eddyTest(t, flags...)
		if r.Verdict != "pass" || r.warningKinds() != node.warnings {
			t.Errorf("affair-%s: %s with warnings %q, want %q\n%s", names[i], r.Verdict, r.warningKinds(), node.warnings, r.text())
		}
		for _, w := range r.Warnings {
			t.Logf("affair-%s: %+v", names[i], w)
		}
		if strict := eddyTest(t, append(flags, "--sick", "fail")...); node.warnings != "" && (strict.Verdict != "fail" || strict.checks() != node.warnings) {
			t.Errorf("affair-%s with --sick fail: %s by %q, want %q\n%s", names[i], strict.Verdict, strict.checks(), node.warnings, strict.text())
		}
	})
}

// A client that gets two replies to one request sees that, whichever nodes sent them.
func TestTwoNodesReply(t *testing.T) {
	t.Parallel()
	r := eddyTest(t, "-w", "echo", "--bin", "node-both-reply", "--nodes", "n1,n2", "--rate", "40", "--time-limit", "0.5")
	if r.Verdict != "fail" || r.checks() != "extra-reply" {
		t.Errorf("%s by %q\n%s", r.Verdict, r.checks(), r.text())
	}
}

func bothReply() {
	n := &plainNode{}
	n.serve(func(m plainMessage) {
		n.write(m.Src, `{"type":"echo_ok","echo":%s,"in_reply_to":%s}`, m.Body["echo"], m.Body["msg_id"])
		if n.id == "n1" {
			n.writeAs(m.Src, "n2", `{"type":"echo","echo":%s,"msg_id":%s}`, m.Body["echo"], m.Body["msg_id"])
		}
	})
}

// With --sick report, a node passes whose messages are wrong and whose answers are
// right. A node with wrong answers does not.
func TestSickReport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ node, verdict, checks, violation string }{
		{"debug-print", "pass", "", "not-json"},
		{"double-reply", "pass", "", "extra-reply"},
		{"wrong-type", "fail", "nothing-checked wrong-body", "wrong-body"},
		{"exits-in-the-end", "fail", "exit", "exit"},
	} {
		r := eddyTest(t, "-w", "echo", "--bin", "buggy-"+test.node, "--nodes", "n1", "--rate", "20", "--time-limit", "0.5", "--sick", "report")
		if r.Verdict != test.verdict || r.checks() != test.checks || len(r.Violations) == 0 || r.Violations[0].Kind != test.violation {
			t.Errorf("%s: %s by %q with violations %+v\n%s", test.node, r.Verdict, r.checks(), r.Violations, r.text())
		}
	}
}

// The reason for an exit quotes the line of the panic, not the end of the stack.
func TestExitQuotesPanic(t *testing.T) {
	t.Parallel()
	r := eddyTest(t, "-w", "echo", "--bin", "buggy-panics", "--nodes", "n1", "--rate", "20", "--time-limit", "0.5")
	if want := "exit: n1 ended by itself: exit status 2; on stderr:\n    panic: the store is closed\n"; !strings.Contains(r.text(), want) || strings.Contains(r.text(), "goroutine") {
		t.Errorf("got %s", r.text())
	}
}

// The reason for a violation by a line has the message that the line was.
func TestViolationsHaveTheirMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		node, kind string
		message    bool
	}{
		{"double-reply", "extra-reply", true},
		{"greets-clients", "unsolicited", true},
		{"unknown-dest", "unknown-dest", true},
		{"wrong-type", "wrong-body", true},
		{"debug-print", "not-json", false},
	} {
		r := eddyTest(t, "-w", "echo", "--bin", "buggy-"+test.node, "--nodes", "n1", "--rate", "20", "--time-limit", "0.5")
		i := slices.IndexFunc(r.Reasons, func(reason reason) bool { return reason.Check == test.kind })
		if i < 0 || (r.Reasons[i].Message >= 0) != test.message || r.Reasons[i].Message != r.Violations[0].Message {
			t.Errorf("%s: reason %d of %+v, violations %+v", test.node, i, r.Reasons, r.Violations)
		}
	}
}

// nullRelay asks n2 for an echo, with and without null ids, and replies with its reply.
func nullRelay() {
	n, waiting := &plainNode{}, plainMessage{}
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

// Under eddy up an id that is null means that there is none, and a request with such an
// in_reply_to gets its reply.
func TestUpTakesNullForNoID(t *testing.T) {
	t.Parallel()
	url := startUp(t, "node-null-relay", io.Discard)
	out, errs, status := calling(&callCommand{natsFlags: natsFlags{NATS: url}, Wait: 5 * time.Second, Dest: "n1", Body: `{"type":"relay","echo":[7]}`}, nil)
	if status != 0 || !strings.Contains(out, `"echo":[7]`) {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
}

// A node of package eddy replies to a request whose in_reply_to is null.
func TestMemberTakesNullForNoID(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("node-member")
	cmd.Stdin = strings.NewReader(`{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"in_reply_to":null,"node_id":"n1","node_ids":["n1"]}}
{"src":"c1","dest":"n1","body":{"type":"echo","echo":7,"msg_id":2,"in_reply_to":null}}
{"src":"c1","dest":"n1","body":{"type":"echo","echo":8,"msg_id":null}}
`)
	out, err := cmd.Output()
	want := `{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"msg_id":0}}
{"src":"n1","dest":"c1","body":{"type":"echo_ok","echo":7,"in_reply_to":2,"msg_id":1}}
`
	if err != nil || string(out) != want {
		t.Errorf("%v\n got %swant %s", err, out, want)
	}
}

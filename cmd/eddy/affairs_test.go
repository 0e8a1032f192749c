package main

import (
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

func init() {
	testNodes["node-null-relay"] = program.Main(testnode.NullRelay)
	for name, node := range testnode.Affairs {
		testNodes["affair-"+name] = program.Main(node.Run)
	}
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

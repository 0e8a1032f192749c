package eddytest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/trial"
)

// txnNodes are the nodes of package testnode, and a check that must name each bug, "" for
// correct nodes.
var txnNodes = []struct{ name, lists, registers, does string }{
	{"plain", "", "", ""},
	{"slow", "", "", ""},
	{"refuses", "", "", ""},
	{"silent", "", "", ""},
	{"empty", "", "-", ""},
	{"loses", "lost-write", "lost-update|G-single-item-realtime|G-single-item", "acknowledges a write and does not store it, 1 of 20"},
	{"stale", "G-single-item-realtime", "G-single-item-realtime", "reads the value before the last one, 1 of 20"},
	{"blind", "internal", "internal", "does not see its own writes, 1 of 3 reads"},
	{"invents", "unwritten-read", "unwritten-read", "returns a value that nobody wrote, 1 of 20 reads"},
	{"refuses-done", "G1a", "G1a", "does a transaction and fails with error 30, 1 of 20"},
	{"halves", "G1c", "G1c", "lets others see half of a transaction"},
	{"skewed", "lost-update", "lost-update", "commits 5 ms after it has read"},
	{"short", "wrong-body", "wrong-body", "leaves out an operation of the reply, 1 of 20"},
	{"changes", "wrong-body", "wrong-body", "changes an operation of the reply, 1 of 20"},
	{"repeats", "duplicate-elements", "G-single-item-realtime", "returns the first value again at the end, 1 of 20 reads"},
	{"reorders", "incompatible-order", "G-single-item-realtime", "returns values in the reverse order, 1 of 20 reads"},
	{"forgets", "incompatible-order", "-", "removes the values of a key when it has 8"},
}

// A correct node of transactions passes, and the verdict on each bug names the check that it
// breaks.
func TestTxnNodes(t *testing.T) {
	t.Parallel()
	var tests []bugTest
	for _, node := range txnNodes {
		for _, workload := range []string{"txn-list-append", "txn-rw-register"} {
			registers, want := workload == "txn-rw-register", node.lists
			if registers {
				want = node.registers
			}
			if want == "-" || node.name == "silent" {
				continue // it is no different for registers; see TestSilentTxnNode
			}
			tests = append(tests, bugTest{
				name: node.name + " " + workload, run: txnNode(node.name, registers), test: txnTest(workload),
				checks: strings.ReplaceAll(want, "|", " "),
			})
		}
	}
	expect(t, tests)
}

func txnNode(name string, registers bool) func(*program.Process) {
	return func(p *program.Process) { testnode.TxnNodes[name](p, registers) }
}

func txnTest(workload string) eddytest.Test {
	return eddytest.Test{
		Workload: workload, Nodes: 1, Concurrency: 8, Rate: 400, Time: 2 * time.Second, ClientTimeout: 500 * time.Millisecond,
		ClientLatency: "exponential:3ms", // so that transactions overlap
	}
}

// A node that does not reply to some transactions is blamed for that alone.
func TestSilentTxnNode(t *testing.T) {
	t.Parallel()
	for _, workload := range []string{"txn-list-append", "txn-rw-register"} {
		got := eddytest.RunSeed(t, virtually(txnNode("silent", workload == "txn-rw-register")), txnTest(workload), 1, func(*trial.Config) {})
		if slices.ContainsFunc(got.Checks, func(check string) bool { return check != "no-reply" && check != "no-final-reply" }) {
			t.Errorf("%s by %s\n%s", got.Verdict, got.Checks, got.Text)
		}
	}
}

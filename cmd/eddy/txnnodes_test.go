package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

func init() {
	for name, run := range testnode.TxnNodes {
		testNodes["lists-"+name] = run
		testNodes["registers-"+name] = func() {
			testnode.Registers = true
			run()
		}
	}
}

// txnNodes are the nodes of package testnode, and a check that must name each bug, "" for
// correct nodes.
var txnNodes = []struct{ name, lists, registers string }{
	{"plain", "", ""},
	{"slow", "", ""},
	{"refuses", "", ""},
	{"silent", "", ""},
	{"empty", "", "-"},
	{"loses", "lost-write", "lost-update|G-single-item-realtime|G-single-item"},
	{"stale", "G-single-item-realtime", "G-single-item-realtime"},
	{"blind", "internal", "internal"},
	{"invents", "unwritten-read", "unwritten-read"},
	{"refuses-done", "G1a", "G1a"},
	{"halves", "G1c", "G1c"},
	{"skewed", "lost-update", "lost-update"},
	{"short", "wrong-body", "wrong-body"},
	{"changes", "wrong-body", "wrong-body"},
	{"repeats", "duplicate-elements", "G-single-item-realtime"},
	{"reorders", "incompatible-order", "G-single-item-realtime"},
	{"forgets", "incompatible-order", "-"},
}

// A correct node of transactions passes, and the verdict on each bug names the check that it
// breaks.
func TestTxnNodes(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	for _, kind := range []string{"lists", "registers"} {
		sideBySide(t, len(txnNodes), func(t *testing.T, i int) {
			node, want, workload := txnNodes[i], txnNodes[i].lists, "txn-list-append"
			if kind == "registers" {
				want, workload = node.registers, "txn-rw-register"
			}
			if want == "-" {
				t.Skip("it is no different for registers")
			}
			test := eddyTest
			if want != "" {
				test = briefTest
			}
			var r *results
			for seed := range 3 { // the nodes are random, and a test names only some of the cycles that it finds
				limit := "2"
				if want != "" && seed == 0 {
					limit = "1"
				}
				r = test(t, "-w", workload, "--bin", kind+"-"+node.name, "--node-count", "1", "--concurrency", "8", "--rate", "400",
					"--time-limit", limit, "--client-timeout", "500ms", "--seed", strconv.Itoa(seed+1))
				if want == "" || named(r, want) {
					break
				}
			}
			switch {
			case want == "" && node.name == "silent":
				if slices.ContainsFunc(r.Reasons, func(x reason) bool { return x.Check != "no-reply" && x.Check != "no-final-reply" }) {
					t.Errorf("%s %s: %s by %s\n%s", kind, node.name, r.Verdict, r.checks(), r.text())
				}
			case want == "" && r.Verdict != "pass", want != "" && !named(r, want):
				t.Errorf("%s %s: %s by %s, want %s\n%s", kind, node.name, r.Verdict, r.checks(), want, r.text())
			}
		})
	}
}

// named reports whether one of the checks in want, separated by |, is a reason.
func named(r *results, want string) bool {
	checks := strings.Fields(r.checks())
	return slices.ContainsFunc(strings.Split(want, "|"), func(check string) bool { return slices.Contains(checks, check) })
}

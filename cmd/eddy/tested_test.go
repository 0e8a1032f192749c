package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
)

// littleTests are tests in which almost nothing ends ok, for reasons that are not the
// node's fault. Without the final phase they would have nothing to check.
var littleTests = []struct {
	name, flags, check string // one of these checks, depending on how fast the machine is
}{
	{name: "relays that refuse nine of ten calls, while the latency excuses them",
		flags: "-w relay --bin relay-refuses --latency 260 --time-limit 4", check: "too-few-ok nothing-ok nothing-checked"},
	{name: "all messages between relays are lost",
		flags: "-w relay --bin relay-none --loss 1 --time-limit 3 --quiesce 0", check: "nothing-ok"},
	{name: "most messages to clients are lost",
		flags: "-w echo --bin node-echo --client-loss 0.8 --client-timeout 300ms --call-timeout 1ms --time-limit 2", check: "too-few-ok nothing-ok nothing-checked"},
	{name: "a store that is the leader for one of ten writes only",
		flags: "-w lin-kv --bin little-leader --time-limit 2", check: "no-final-read"},
	{name: "no requests", flags: "-w echo --bin node-echo --rate 0 --time-limit 0.1", check: "nothing-ok"},
}

func init() {
	testNodes["little-leader"] = func() {
		n, count := testnode.New(program.OS()), 0
		n.On = func(m testnode.Message) bool {
			if count++; m.Body.Type == "write" && count%10 == 0 {
				n.Reply(m, `{"type":"write_ok"}`)
			} else {
				n.Reply(m, `{"type":"error","code":11,"text":"not the leader"}`)
			}
			return true
		}
		n.Serve()
	}
}

// A test in which almost nothing ended ok does not pass: it says that too little was
// tested.
func TestTooLittleTested(t *testing.T) {
	t.Parallel()
	sideBySide(t, len(littleTests), func(t *testing.T, i int) {
		test := littleTests[i]
		r := briefTest(t, append(strings.Fields(test.flags), "--nodes", "n1,n2", "--seed", "1")...)
		if r.Verdict != "unknown" || !slices.Contains(strings.Fields(test.check), r.checks()) {
			t.Errorf("%s: %s by %s, want one of %s\n%s", test.name, r.Verdict, r.checks(), test.check, r.text())
		}
	})
}

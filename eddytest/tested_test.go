package eddytest_test

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/trial"
)

// littleTests are tests in which almost nothing ends ok, for reasons that are not the
// node's fault. Without the final phase they would have nothing to check.
var littleTests = []struct {
	name   string
	run    func(*program.Process)
	test   eddytest.Test
	change func(*trial.Config) // may be nil
	check  string
}{
	{name: "relays that refuse nine of ten calls, while the latency excuses them", run: testnode.Relay("refuses"),
		test: eddytest.Test{Workload: "relay", Latency: "260ms", Time: 4 * time.Second}, check: "too-few-ok"},
	{name: "all messages between relays are lost", run: testnode.Relay("none"),
		test:   eddytest.Test{Workload: "relay", Loss: 1, Time: 3 * time.Second},
		change: func(cfg *trial.Config) { cfg.Quiesce = 0 }, check: "nothing-ok"},
	{name: "most messages to clients are lost", run: echoes,
		test:  eddytest.Test{Workload: "echo", ClientLoss: 0.8, ClientTimeout: 300 * time.Millisecond, Time: 10 * time.Second},
		check: "too-few-ok"},
	{name: "a store that is the leader for one of ten writes only", run: littleLeader,
		test: eddytest.Test{Workload: "lin-kv", Time: 2 * time.Second}, check: "no-final-read"},
	{name: "no requests", run: echoes, test: eddytest.Test{Workload: "echo", Time: 100 * time.Millisecond},
		change: func(cfg *trial.Config) { cfg.Rate = 0 }, check: "nothing-ok"},
}

func echoes(p *program.Process) { testnode.New(p).Serve() }

func littleLeader(p *program.Process) {
	n, count := testnode.New(p), 0
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

// A test in which almost nothing ended ok does not pass: it says that too little was
// tested.
func TestTooLittleTested(t *testing.T) {
	t.Parallel()
	for _, test := range littleTests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.change == nil {
				test.change = func(*trial.Config) {}
			}
			test.test.Nodes = 2
			got := eddytest.RunSeed(t, virtually(test.run), test.test, 1, test.change)
			if got.Verdict != "unknown" || sorted(got.Checks) != test.check {
				t.Errorf("%s by %s, want %s\n%s", got.Verdict, got.Checks, test.check, got.Text)
			}
		})
	}
}

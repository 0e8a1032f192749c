package eddytest_test

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
)

// Each bug of a relay is found by a check that names it, and the relay without a bug passes.
func TestRelayBugs(t *testing.T) {
	t.Parallel()
	var tests []bugTest
	for _, bug := range testnode.RelayBugs {
		test := eddytest.Test{Workload: "relay", Nodes: 3, Concurrency: 12, Rate: 100, Time: 4 * time.Second, Loss: 0.2, Latency: "2ms"}
		switch bug.Name {
		case "refuses":
			test.Loss, test.Latency = 0, "" // no faults
		case "leak":
			test = eddytest.Test{Workload: "relay", Nodes: 1, Concurrency: 64, Rate: 10_000, Time: 2 * time.Second}
		}
		tests = append(tests, bugTest{name: bug.Name, run: testnode.Relay(bug.Name), test: test, checks: bug.CaughtBy})
	}
	expect(t, tests)
}

package eddytest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/testdata/testnode"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/trial"
)

// healthyLogs are correct nodes for workload kafka, with the faults that they bear.
var healthyLogs = []struct {
	kind   string
	faults eddytest.Test
}{
	{"leader", eddytest.Test{}},
	{"leader", eddytest.Test{Loss: 0.1, Duplicate: 0.1, Latency: "2ms", Nemesis: "partition,pause"}},
	{"leader", eddytest.Test{Loss: 0.2, Nemesis: "partition-one-way,slow,clog"}},
	{"gaps", eddytest.Test{Duplicate: 0.2, Latency: "5ms", Nemesis: "flaky,pause"}},
	{"leader", eddytest.Test{Rate: 5000, Concurrency: 12, KeyCount: 3, MaxWritesPerKey: 100_000}},
	{"disk", eddytest.Test{Loss: 0.1, Nemesis: "kill,partition"}},
	{"disk", eddytest.Test{Latency: "2ms", Nemesis: "kill,pause"}},
	{"seq-kv commits", eddytest.Test{Latency: "1ms", Nemesis: "partition"}},
	{"seq-kv commits", eddytest.Test{Loss: 0.05, Nemesis: "pause"}},
	{"copies", eddytest.Test{Latency: "10ms", Nemesis: "partition"}},
	{"copies", eddytest.Test{Loss: 0.1, Nemesis: "pause,slow"}},
}

// logBugs are nodes for workload kafka with one bug each. At least one of the checks in
// caughtBy must find it.
var logBugs = []struct {
	kind, caughtBy string
	faults         eddytest.Test
}{
	{"drops", "inconsistent-offsets", eddytest.Test{}},
	{"drops and counts", "lost-write", eddytest.Test{}},
	{"forgets", "lost-write inconsistent-offsets", eddytest.Test{}},
	{"each its own", "inconsistent-offsets lost-write", eddytest.Test{}},
	{"twice", "duplicate", eddytest.Test{}},
	{"same offset", "inconsistent-offsets", eddytest.Test{}},
	{"refuses and does", "G1a", eddytest.Test{}},
	{"prophet", "G1c", eddytest.Test{}},
	{"invents", "invented", eddytest.Test{}},
	{"skips", "int-poll-skip", eddytest.Test{}},
	{"begins late", "poll-skip", eddytest.Test{}},
	{"from the beginning", "nonmonotonic-poll", eddytest.Test{}},
	{"backwards", "int-nonmonotonic-poll", eddytest.Test{}},
	{"descending", "nonmonotonic-send", eddytest.Test{}},
	{"next offset", "commit-beyond-log", eddytest.Test{}},
	{"commits by itself", "invented-commit", eddytest.Test{}},
	{"refuses commits", "invented-commit", eddytest.Test{}},
	{"forgets commits", "committed-back", eddytest.Test{}},
	{"commits of each", "lost-commit", eddytest.Test{}},
	{"copies once", "unseen", eddytest.Test{}},
	{"repeats", "duplicate", eddytest.Test{Loss: 0.2}},
	{"leader", "lost-write inconsistent-offsets", eddytest.Test{Nemesis: "kill"}},
	{"leader", "committed-back", eddytest.Test{Nemesis: "kill"}},
	{"string", "wrong-body", eddytest.Test{}},
	{"other keys", "wrong-body", eddytest.Test{}},
}

// logTest returns a test of logs with some faults.
func logTest(faults eddytest.Test, limit time.Duration) eddytest.Test {
	test := faults
	test.Workload, test.Nodes, test.Time, test.NemesisInterval = "kafka", 3, limit, 300*time.Millisecond
	if test.Rate == 0 {
		test.Rate, test.Concurrency = 300, 12
	}
	if test.ClientLatency == "" {
		test.ClientLatency = "exponential:2ms" // so that requests overlap
	}
	return test
}

// Correct logs pass.
func TestHealthyLogs(t *testing.T) {
	t.Parallel()
	var tests []bugTest
	for i, node := range healthyLogs {
		for seed := range uint64(3) {
			tests = append(tests, bugTest{
				name: fmt.Sprint(i, " ", node.kind, " ", seed), run: testnode.Logs(node.kind), test: logTest(node.faults, 2*time.Second), seed: seed + 1,
			})
		}
	}
	expect(t, tests)
}

// Each bug of a log is found by a check that names it.
func TestLogBugs(t *testing.T) {
	t.Parallel()
	var tests []bugTest
	for i, bug := range logBugs {
		tests = append(tests, bugTest{
			name: fmt.Sprint(i, " ", bug.kind), run: testnode.Logs(bug.kind), test: logTest(bug.faults, 3*time.Second), checks: bug.caughtBy,
		})
	}
	expect(t, tests)
}

// If no request of a type succeeds, too little was tested.
func TestLogWithoutCommits(t *testing.T) {
	t.Parallel()
	got := eddytest.RunSeed(t, virtually(testnode.Logs("no commits")), logTest(eddytest.Test{}, 2*time.Second), 1, func(*trial.Config) {})
	if got.Verdict != "unknown" || !strings.Contains(got.Text, "operations commit_offsets ended ok") {
		t.Errorf("%s\n%s", got.Verdict, got.Text)
	}
}

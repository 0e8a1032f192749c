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
	kind, caughtBy, does string
	faults               eddytest.Test
}{
	{"drops", "inconsistent-offsets", "acknowledges a message and does not store it, 1 of 10", eddytest.Test{}},
	{"drops and counts", "lost-write", "stores nothing at the offset of a message, 1 of 10", eddytest.Test{}},
	{"forgets", "lost-write inconsistent-offsets", "removes the last message, 1 of 40 polls", eddytest.Test{}},
	{"each its own", "inconsistent-offsets lost-write", "keeps logs of its own", eddytest.Test{}},
	{"twice", "duplicate", "stores a message twice, 1 of 10", eddytest.Test{}},
	{"same offset", "inconsistent-offsets", "gives an offset to two messages, 1 of 10", eddytest.Test{}},
	{"refuses and does", "G1a", "stores a message and fails with error 11, 1 of 15", eddytest.Test{}},
	{"prophet", "G1c", "returns a message before it was sent, 1 of 10 polls", eddytest.Test{}},
	{"invents", "invented", "returns a message that nobody sent, 1 of 20 polls", eddytest.Test{}},
	{"skips", "int-poll-skip", "leaves out a message, 1 of 3 polls", eddytest.Test{}},
	{"begins late", "poll-skip", "begins one offset late, 1 of 5 polls", eddytest.Test{}},
	{"from the beginning", "nonmonotonic-poll", "begins each poll at the beginning", eddytest.Test{}},
	{"backwards", "int-nonmonotonic-poll", "returns messages in the reverse order, 1 of 5 polls", eddytest.Test{}},
	{"descending", "nonmonotonic-send", "gives out lower and lower offsets", eddytest.Test{}},
	{"next offset", "commit-beyond-log", "returns one more than the committed offset", eddytest.Test{}},
	{"commits by itself", "invented-commit", "returns the last polled offset as committed", eddytest.Test{}},
	{"refuses commits", "invented-commit", "commits and fails with error 11, 1 of 12", eddytest.Test{}},
	{"forgets commits", "committed-back", "lacks a committed offset, 1 of 10 times", eddytest.Test{}},
	{"commits of each", "lost-commit", "keeps committed offsets of its own", eddytest.Test{}},
	{"copies once", "unseen", "copies the logs of the first node once", eddytest.Test{}},
	{"repeats", "duplicate", "stores a message again whose sender repeats it", eddytest.Test{Loss: 0.2}},
	{"leader", "lost-write inconsistent-offsets", "keeps everything in memory", eddytest.Test{Nemesis: "kill"}},
	{"leader", "committed-back", "keeps everything in memory", eddytest.Test{Nemesis: "kill"}},
	{"string", "wrong-body", "returns offsets as texts", eddytest.Test{}},
	{"other keys", "wrong-body", "returns a key that nobody asked for", eddytest.Test{}},
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

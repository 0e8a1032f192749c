package main

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// healthyLogs are correct nodes for workload kafka, with the faults that they bear.
var healthyLogs = []struct{ kind, flags string }{
	{"leader", ""},
	{"leader", "--loss 0.1 --duplicate 0.1 --latency 2 --nemesis partition,pause --nemesis-interval 0.3 --seed 1"},
	{"leader", "--loss 0.2 --nemesis partition-one-way,slow,clog --nemesis-interval 0.3 --seed 2"},
	{"gaps", "--duplicate 0.2 --latency 5 --nemesis flaky,pause --nemesis-interval 0.3 --seed 3"},
	{"leader", "--rate max --concurrency 12 --key-count 3 --max-writes-per-key 100000"},
	{"disk", "--loss 0.1 --nemesis kill,partition --nemesis-interval 0.3 --seed 4"},
	{"disk", "--latency 2 --nemesis kill,pause --nemesis-interval 0.2 --seed 5"},
	{"seq-kv commits", "--latency 1 --nemesis partition --nemesis-interval 0.3 --seed 6"},
	{"seq-kv commits", "--loss 0.05 --nemesis pause --nemesis-interval 0.3 --seed 7"},
	{"copies", "--latency 10 --nemesis partition --nemesis-interval 0.3 --seed 8"},
	{"copies", "--loss 0.1 --nemesis pause,slow --nemesis-interval 0.3 --seed 9"},
}

// logBugs are nodes for workload kafka with one bug each. At least one of the checks in
// caughtBy must find it.
var logBugs = []struct{ kind, caughtBy, flags string }{
	{"drops", "inconsistent-offsets", ""},
	{"drops and counts", "lost-write", ""},
	{"forgets", "lost-write inconsistent-offsets", ""},
	{"each its own", "inconsistent-offsets lost-write", ""},
	{"twice", "duplicate", ""},
	{"same offset", "inconsistent-offsets", ""},
	{"refuses and does", "G1a", ""},
	{"prophet", "G1c", ""},
	{"invents", "invented", ""},
	{"skips", "int-poll-skip", ""},
	{"begins late", "poll-skip", ""},
	{"from the beginning", "nonmonotonic-poll", ""},
	{"backwards", "int-nonmonotonic-poll", ""},
	{"descending", "nonmonotonic-send", ""},
	{"next offset", "commit-beyond-log", ""},
	{"commits by itself", "invented-commit", ""},
	{"refuses commits", "invented-commit", ""},
	{"forgets commits", "committed-back", ""},
	{"commits of each", "lost-commit", ""},
	{"copies once", "unseen", ""},
	{"repeats", "duplicate", "--loss 0.2 --seed 1"},
	{"leader", "lost-write inconsistent-offsets", "--nemesis kill --nemesis-interval 0.3 --seed 1"},
	{"leader", "committed-back", "--nemesis kill --nemesis-interval 0.3 --seed 1"},
	{"string", "wrong-body", ""},
	{"other keys", "wrong-body", ""},
}

func init() {
	kinds := []string{"no commits"}
	for _, healthy := range healthyLogs {
		kinds = append(kinds, healthy.kind)
	}
	for _, bug := range logBugs {
		kinds = append(kinds, bug.kind)
	}
	for _, kind := range kinds {
		testNodes[logProgram(kind)] = serveLogs(kind)
	}
}

func logProgram(kind string) string { return "kafka-" + strings.ReplaceAll(kind, " ", "-") }

// kafkaTest tests a node for some seconds, with eddyTest or briefTest.
func kafkaTest(t *testing.T, test func(*testing.T, ...string) *results, kind, flags, limit string) *results {
	t.Helper()
	args := []string{"-w", "kafka", "--bin", logProgram(kind), "--node-count", "3", "--time-limit", limit}
	if !strings.Contains(flags, "--rate") {
		args = append(args, "--concurrency", "4n", "--rate", "300")
	}
	return test(t, append(args, strings.Fields(flags)...)...)
}

func TestHealthyLogs(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	if runtime.GOOS == "windows" {
		t.Skip("processes can't be paused there")
	}
	t.Parallel()
	sideBySide(t, len(healthyLogs), func(t *testing.T, i int) {
		node := healthyLogs[i]
		if r := kafkaTest(t, eddyTest, node.kind, node.flags, "2"); r.Verdict != "pass" {
			t.Errorf("%s %s: %s\n%s", node.kind, node.flags, r.Verdict, r.text())
		}
	})
}

func TestLogBugs(t *testing.T) {
	if raceOn {
		t.Skip("node programs are judged without the race detector, with which they are slow")
	}
	t.Parallel()
	sideBySide(t, len(logBugs), func(t *testing.T, i int) {
		bug := logBugs[i]
		for tries := range 3 { // on a busy machine there are few requests, and chance may hide the bug
			r := kafkaTest(t, briefTest, bug.kind, bug.flags, []string{"1", "2", "2"}[tries])
			t.Logf("%s %s: %s by %s", bug.kind, bug.flags, r.Verdict, r.checks())
			if r.Verdict == "fail" && slices.ContainsFunc(r.Reasons, func(reason reason) bool {
				return !reason.Unknown && slices.Contains(strings.Fields(bug.caughtBy), reason.Check)
			}) {
				return
			}
			if tries == 2 {
				t.Errorf("%s: %s, not by %s\n%s", bug.kind, r.Verdict, bug.caughtBy, r.text())
			}
		}
	})
}

// If no request of a type succeeds, too little was tested.
func TestLogWithoutCommits(t *testing.T) {
	t.Parallel()
	if r := kafkaTest(t, briefTest, "no commits", "", "2"); r.Verdict != "unknown" || !strings.Contains(r.text(), "operations commit_offsets ended ok") {
		t.Errorf("%s\n%s", r.Verdict, r.text())
	}
}

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/golden"
)

// challengeRuns are the examples for which there is a workload, each on the worst network
// that it supports. TestDocuments runs more of them.
var challengeRuns = []struct{ example, flags string }{
	{"echo", "-w echo --node-count 2 --rate 100 --nemesis partition,kill --nemesis-interval 0.3"},
	{"unique-ids", "-w unique-ids --node-count 3 --rate 500 --loss 0.1 --nemesis partition,kill --nemesis-interval 0.3 --seed 3"},
	{"broadcast", "-w broadcast --node-count 1 --rate 50"},
	{"broadcast", "-w broadcast --node-count 5 --rate 50"},
	{"broadcast", "-w broadcast --node-count 5 --rate 50 --latency 10 --loss 0.1 --duplicate 0.1 --nemesis partition,pause --nemesis-interval 0.3 --seed 1"},
	{"broadcast-batched", "-w broadcast --node-count 9 --rate 100 --latency 100 -- -period 1s"},
	{"kafka", "-w kafka --node-count 1 --rate 100"},
	{"kafka", "-w kafka --node-count 3 --rate 100 --concurrency 4n --latency 2 --loss 0.1 --duplicate 0.1 --nemesis partition,pause,kill-wipe --nemesis-interval 0.3 --seed 1"},
	{"raft-lin-kv", "-w lin-kv --node-count 3 --rate 100"},
	{"raft-lin-kv", "-w lin-kv --node-count 5 --rate 100 --latency 5 --loss 0.1 --duplicate 0.1 --nemesis partition,pause,kill --nemesis-interval 1 --seed 2"},
	{"txn-list-append", "-w txn-list-append --node-count 3 --rate 50 --concurrency 3n --latency 2 --loss 0.05 --duplicate 0.05 --nemesis partition,pause,kill --nemesis-interval 0.3 --seed 1"},
	{"txn-snapshot", "-w txn-list-append --consistency-models snapshot-isolation --node-count 3 --rate 50 --concurrency 3n --latency 2 --loss 0.05 --duplicate 0.05 --nemesis partition,pause,kill --nemesis-interval 0.3 --seed 1"},
	{"txn-rw-register", "-w txn-rw-register --consistency-models read-committed --node-count 3 --rate 200 --concurrency 2n --loss 0.1 --duplicate 0.1 --nemesis partition,pause --nemesis-interval 0.3 --seed 1"},
	{"broadcast-batched", "-w broadcast --node-count 5 --rate 50 --latency 10 --loss 0.1 --duplicate 0.1 --nemesis partition,pause --nemesis-interval 0.3 --seed 1"},
	{"g-counter", "-w g-counter --node-count 3 --rate 100 --loss 0.1 --duplicate 0.1 --latency 5 --nemesis partition,kill --nemesis-interval 0.3 --seed 2"},
}

// buildExamples builds these examples and returns the directory of the programs.
func buildExamples(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	for _, name := range names {
		args = append(args, "../../examples/"+name)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// The tests of the examples check what else they promise and what they cost.
func TestChallenges(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("processes can't be paused there")
	}
	t.Parallel()
	dir := buildExamples(t, "echo", "unique-ids", "broadcast", "broadcast-batched", "kafka", "raft-lin-kv", "txn-list-append", "txn-snapshot", "txn-rw-register", "g-counter")
	sideBySide(t, len(challengeRuns), func(t *testing.T, i int) {
		run := challengeRuns[i]
		limit := "1"
		if run.example == "raft-lin-kv" {
			limit = "3" // the nodes elect a leader first, and again after it was killed
		}
		flags := append([]string{"--bin", filepath.Join(dir, run.example), "--time-limit", limit}, strings.Fields(run.flags)...)
		if r := eddyTest(t, flags...); r.Verdict != "pass" {
			t.Errorf("%s %s: %s\n%s", run.example, run.flags, r.Verdict, r.text())
		}
	})
}

// A default test finds that the store with snapshot isolation has write skew, and nothing worse.
func TestWriteSkewIsFound(t *testing.T) {
	t.Parallel()
	dir := buildExamples(t, "txn-snapshot")
	for _, model := range []string{"strict-serializable", "serializable"} {
		for tries := range 3 { // on a busy machine there are few transactions at the same time
			r := eddyTest(t, "--bin", filepath.Join(dir, "txn-snapshot"), "-w", "txn-list-append", "--consistency-models", model, "--time-limit", "5")
			if r.Verdict == "fail" && slices.Contains(strings.Fields(r.checks()), "G2-item") {
				break
			}
			if tries == 2 {
				t.Errorf("%s: %s: %s\n%s", model, r.Verdict, r.checks(), r.text())
			}
		}
	}
}

// The examples for which there is no workload reply as their transcripts say: lines in, in
// testdata/challenges, each sent when the one before has its reply, and lines out.
func TestChallengeTranscripts(t *testing.T) {
	t.Parallel()
	names := []string{"txn-rw-register"}
	dir := buildExamples(t, names...)
	for _, name := range names {
		in, err := os.ReadFile("testdata/challenges/" + name + ".in")
		if err != nil {
			t.Fatal(err)
		}
		got := inTurns(t, filepath.Join(dir, name), string(in))
		golden.File(t, "testdata/challenges/"+name+".out", got)
	}
}

// inTurns gives a node each line when it has replied to the one before. It returns the
// replies.
func inTurns(t *testing.T, program, lines string) string {
	cmd := exec.Command(program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	replies, all := bufio.NewReader(out), ""
	for line := range strings.Lines(lines) {
		if _, err := io.WriteString(in, line); err != nil {
			t.Fatal(err)
		}
		reply, err := replies.ReadString('\n')
		if err != nil {
			t.Fatalf("no reply to %s: %v", line, err)
		}
		all += reply
	}
	in.Close()
	if rest, _ := io.ReadAll(replies); len(rest) > 0 {
		t.Errorf("%s also wrote %s", program, rest)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v", program, err)
	}
	return all
}

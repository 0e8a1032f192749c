package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/golden"
)

// challengeRuns are the examples for which there is a workload, each on as bad a
// network as it promises to bear.
var challengeRuns = []struct{ example, flags string }{
	{"echo", "-w echo --node-count 2 --rate 100 --nemesis partition,kill --nemesis-interval 0.3"},
	{"unique-ids", "-w unique-ids --node-count 3 --rate 500 --loss 0.1 --nemesis partition,kill --nemesis-interval 0.3 --seed 3"},
	{"broadcast", "-w broadcast --node-count 1 --rate 50"},
	{"broadcast", "-w broadcast --node-count 5 --rate 50"},
	{"broadcast", "-w broadcast --node-count 5 --rate 50 --latency 10 --loss 0.1 --duplicate 0.1 --nemesis partition,pause --nemesis-interval 0.3 --seed 1"},
	{"broadcast-batched", "-w broadcast --node-count 25 --rate 100 --latency 100"},
	{"broadcast-batched", "-w broadcast --node-count 9 --rate 100 --latency 100 -- -period 1s"},
	{"broadcast-batched", "-w broadcast --node-count 5 --rate 50 --latency 10 --loss 0.1 --duplicate 0.1 --nemesis partition,pause --nemesis-interval 0.3 --seed 1"},
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

// What else they promise, and what they cost, the examples' own tests look after.
func TestChallenges(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("processes can't be paused there")
	}
	t.Parallel()
	dir := buildExamples(t, "echo", "unique-ids", "broadcast", "broadcast-batched")
	sideBySide(t, len(challengeRuns), func(t *testing.T, i int) {
		run := challengeRuns[i]
		flags := append([]string{"--bin", filepath.Join(dir, run.example), "--time-limit", "1"}, strings.Fields(run.flags)...)
		if r := eddyTest(t, flags...); r.Verdict != "pass" {
			t.Errorf("%s %s: %s\n%s", run.example, run.flags, r.Verdict, r.text())
		}
	})
}

// The examples for which there is no workload answer as their transcripts say:
// lines in, in testdata/challenges, and lines out.
func TestChallengeTranscripts(t *testing.T) {
	t.Parallel()
	names := []string{"g-counter", "kafka", "txn-rw-register"}
	dir := buildExamples(t, names...)
	for _, name := range names {
		in, err := os.Open("testdata/challenges/" + name + ".in")
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		cmd := exec.Command(filepath.Join(dir, name))
		cmd.Stdin = in
		got, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden.File(t, "testdata/challenges/"+name+".out", string(got))
	}
}

package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
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
	{"broadcast-batched", "-w broadcast --node-count 5 --rate 50 --latency 10 --loss 0.1 --duplicate 0.1 --nemesis partition,pause --nemesis-interval 0.3 --seed 1"},
}

// What else they promise, and what they cost, the examples' own tests look after.
func TestChallenges(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	if runtime.GOOS == "windows" {
		t.Skip("processes can't be paused there")
	}
	t.Parallel()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, "../../examples/echo", "../../examples/unique-ids", "../../examples/broadcast", "../../examples/broadcast-batched")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sideBySide(t, len(challengeRuns), func(t *testing.T, i int) {
		run := challengeRuns[i]
		flags := append(strings.Fields(run.flags), "--bin", filepath.Join(dir, run.example), "--time-limit", "1")
		if r := eddyTest(t, flags...); r.Verdict != "pass" {
			t.Errorf("%s %s: %s\n%s", run.example, run.flags, r.Verdict, r.text())
		}
	})
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/sim"
)

// Two runs with the same seed give the same message the same fate, in whatever order the
// operating system runs the processes.
func TestSameSeedSameFates(t *testing.T) {
	t.Parallel()
	var journals []*sim.Journal
	for range 2 {
		store := t.TempDir()
		cmd := exec.Command("eddy", "test", "-w", "relay", "--bin", "relay-none", "--node-count", "3", "--seed", "5", "--store", store,
			"--loss", "0.3", "--duplicate", "0.2", "--latency", "uniform:0ms-20ms", "--rate", "100", "--concurrency", "8n", "--time-limit", "1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		j, err := readJournal(filepath.Join(store, "relay", "latest"))
		if err != nil {
			t.Fatal(err)
		}
		journals = append(journals, j)
	}
	same := sim.Compare(journals[0], journals[1])
	t.Logf("%+v", same)
	if same.Different > 0 || same.Same < 50 {
		t.Errorf("%+v", same)
	}
}

// A case of another workload, or of another version, is refused before a test begins.
func TestCaseIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"version":1,"workload":"g-set","nodes":["n1"],"time_limit_ns":1000000000}`: "the case is of workload g-set, and not of relay",
		`{"version":7,"nodes":["n1"],"time_limit_ns":1000000000}`:                    "the case has version 7",
	} {
		dir := t.TempDir()
		path, store := filepath.Join(dir, "case.json"), filepath.Join(dir, "store")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("eddy", "test", "-w", "relay", "--bin", "relay-none", "--store", store, "--case", path)
		out, _ := cmd.CombinedOutput()
		if status := cmd.ProcessState.ExitCode(); status != statusUsage || !strings.Contains(string(out), want) || exists(store) {
			t.Errorf("status %d, the store exists: %v\n%s", status, exists(store), out)
		}
	}
}

// A hunt that passes leaves no store behind if there was none.
func TestHuntLeavesNoStore(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "store")
	cmd := exec.Command("eddy", "hunt", "-w", "relay", "--bin", "relay-none", "--node-count", "2", "--seeds", "1", "--time-limit", "1", "--store", store)
	if out, err := cmd.CombinedOutput(); err != nil || exists(store) {
		t.Errorf("%v, the store exists: %v\n%s", err, exists(store), out)
	}
}

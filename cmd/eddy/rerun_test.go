package main

import (
	"os/exec"
	"path/filepath"
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

package runner

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestThreadWaits(t *testing.T) {
	dir := t.TempDir()
	set := func(thread, schedstat string) {
		t.Helper()
		path := filepath.Join(dir, thread)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "schedstat"), []byte(schedstat), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := &threadWaits{dir: dir}
	for i, step := range []struct {
		thread, schedstat string
		want              time.Duration
	}{
		{"1", "838630 5000000 2\n", 0}, // what was before the first call does not count
		{"2", "10 7000000000 3\n", 0},  // a new thread may have waited at any time
		{"1", "838630 378000000 9\n", 373 * time.Millisecond},
		{"2", "10 7001000000 4\n", time.Millisecond},
		{"2", "rubbish\n", 0},
		{"3", "", 0},
	} {
		set(step.thread, step.schedstat)
		if got := w.longest(); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	if got := (&threadWaits{dir: filepath.Join(dir, "none")}).longest(); got != 0 {
		t.Errorf("without files: %v", got)
	}
}

// A stall of one thread is one that the monitor tells.
func TestMonitorTellsThreadWaits(t *testing.T) {
	s := &stallMonitor{start: time.Now()}
	s.noteThreads(time.Second, 5*time.Millisecond)
	s.noteThreads(2*time.Second, 373*time.Millisecond)
	found := s.take()
	want := [2]time.Duration{2*time.Second - threadInterval - 373*time.Millisecond, 2 * time.Second}
	if len(found) != 1 || found[0] != want {
		t.Errorf("found %v, want %v", found, want)
	}
}

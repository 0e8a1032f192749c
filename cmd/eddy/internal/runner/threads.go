package runner

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// threadWaits measures how long the threads of this process waited for a processor. While one
// thread waits, the others may run, so that the stall monitor sees nothing; but the line that
// this thread has just read is handled late. Only Linux tells it (Documentation/scheduler/
// sched-stats.rst, /proc/<pid>/schedstat); elsewhere the waits are 0.
type threadWaits struct {
	dir    string                   // /proc/self/task
	waited map[string]time.Duration // by thread, since its beginning
}

// longest returns the longest wait of a thread since the last call. A wait counts when it has
// ended.
func (w *threadWaits) longest() (longest time.Duration) {
	threads, err := os.ReadDir(w.dir)
	if err != nil {
		return 0
	}
	now := make(map[string]time.Duration, len(threads))
	for _, thread := range threads {
		name := thread.Name()
		now[name] = waitOf(filepath.Join(w.dir, name, "schedstat"))
		if before, known := w.waited[name]; known {
			longest = max(longest, now[name]-before)
		}
	}
	w.waited = now
	return longest
}

// waitOf returns how long a thread has waited: the second number of the file, in nanoseconds.
func waitOf(file string) time.Duration {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0 // the thread has ended
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	ns, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return time.Duration(ns)
}

package runner

import (
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

const (
	// stallInterval is how often the monitor checks whether this process runs.
	stallInterval = 5 * time.Millisecond

	// threadInterval is how often it asks whether one of its threads had to wait. That
	// costs some 300 us.
	threadInterval = 100 * time.Millisecond
)

// A stallMonitor notices when this process, or one of its threads, did not run.
type stallMonitor struct {
	start time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu    sync.Mutex
	found [][2]time.Duration // from when to when, since the last take
}

func newStallMonitor(start time.Time) *stallMonitor {
	s := &stallMonitor{start: start, stop: make(chan struct{})}
	s.ended.Go(s.run)
	return s
}

func (s *stallMonitor) run() {
	ticks := time.NewTicker(stallInterval)
	defer ticks.Stop()
	last := time.Since(s.start)
	threads, asked := threadWaits{dir: "/proc/self/task"}, last
	for {
		select {
		case <-ticks.C:
		case <-s.stop:
			return
		}
		now := time.Since(s.start)
		if now-last > trial.MinStall {
			s.mu.Lock()
			s.found = append(s.found, [2]time.Duration{last, now})
			s.mu.Unlock()
		}
		last = now
		if now-asked >= threadInterval {
			asked = now
			s.noteThreads(now, threads.longest())
		}
	}
}

// noteThreads notes the longest wait of a thread that has ended in the latest threadInterval.
func (s *stallMonitor) noteThreads(now, wait time.Duration) {
	if wait > trial.MinStall {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.found = append(s.found, [2]time.Duration{max(now-threadInterval-wait, 0), now})
	}
}

// take returns the stalls since the last call.
func (s *stallMonitor) take() [][2]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.found
	s.found = nil
	return found
}

func (s *stallMonitor) end() {
	close(s.stop)
	s.ended.Wait()
}

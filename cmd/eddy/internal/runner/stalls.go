package runner

import (
	"sync"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

// stallInterval is how often the monitor checks whether this process runs.
const stallInterval = 5 * time.Millisecond

// A stallMonitor notices when this process did not run.
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

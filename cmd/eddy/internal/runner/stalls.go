package runner

import (
	"sync"
	"time"
)

const (
	// stallInterval is how often the monitor checks whether this process runs.
	stallInterval = 5 * time.Millisecond

	// minStall is the shortest delay that counts as a stall.
	minStall = 10 * time.Millisecond

	// stallRecovery is how long after a stall lines may still be read late,
	// because the goroutines that waited run one after another.
	stallRecovery = 100 * time.Millisecond

	// maxStallSpan is the longest time that one stall may span. If every line is
	// late, there are many stalls.
	maxStallSpan = 100 * time.Millisecond
)

// A stallMonitor records when this process did not run. Then a line was read later
// than it was written, and the time between two lines is measured wrongly by as
// much. Nodes must not be blamed for this.
type stallMonitor struct {
	start time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu     sync.Mutex
	stalls []stall
}

// A stall is a period with delays of this process.
type stall struct{ from, to, longest time.Duration }

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
		if now-last > minStall {
			s.add(last, now)
		}
		last = now
	}
}

// add records a delay. Delays that follow each other closely are one stall.
func (s *stallMonitor) add(from, to time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.stalls); n > 0 {
		last := &s.stalls[n-1]
		if from >= last.from && to-last.from < maxStallSpan {
			last.to = max(last.to, to)
			last.longest = max(last.longest, to-from)
			return
		}
	}
	s.stalls = append(s.stalls, stall{from, to, to - from})
}

func (s *stallMonitor) end() {
	close(s.stop)
	s.ended.Wait()
}

// lag returns how much earlier a line may have been written than it was read at a
// time.
func (s *stallMonitor) lag(at time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	longest := minStall
	for _, stall := range s.stalls {
		if at >= stall.from && at <= stall.to+stallRecovery {
			longest = max(longest, stall.longest+minStall)
		}
	}
	return longest
}

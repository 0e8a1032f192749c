package runner

import (
	"slices"
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

	// minStandStill is the shortest stall of the loop that extends what nodes may take.
	minStandStill = 100 * time.Millisecond

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

// between returns how long this process stood still between two times.
func (s *stallMonitor) between(from, to time.Duration) (sum time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stall := range slices.Backward(s.stalls) {
		sum += max(0, min(to, stall.to)-max(from, stall.from))
		to = min(to, stall.from) // stalls of the loop and of the monitor overlap
	}
	return sum
}

// look returns the time. If the loop stood still since it last looked, that is a stall.
// The monitor runs in another goroutine and does not see it: it may have run meanwhile.
func (r *runner) look() time.Duration {
	now := time.Since(r.start)
	if now-r.looked > minStall {
		r.standStill(r.looked, now)
	}
	r.looked = now
	return now
}

// wake is called when the loop has slept and has taken the events. It should have woken
// when the first event came, and at the latest when its timer expired.
func (r *runner) wake() {
	if r.sleep == 0 {
		return
	}
	due := r.looked + r.sleep
	if len(r.events) > 0 {
		due = min(due, max(r.looked, r.events[0].At.Sub(r.start)))
	}
	r.looked = min(due, time.Since(r.start))
	r.sleep = 0
}

// standStill records that the loop stood still, and carried no message. Nodes and
// clients get this time in addition: a reply cannot come before its request.
func (r *runner) standStill(from, to time.Duration) {
	r.stalls.add(from, to)
	lost := to - from
	if lost < minStandStill {
		return
	}
	r.stood += lost
	for _, n := range r.nodes {
		n.initDue += lost
		n.readsFrom += lost
	}
	for _, c := range r.clients {
		c.due += lost
	}
}

package runner

import (
	"sync"
	"time"
)

const (
	// beat is how often we look whether we get to run.
	beat = 5 * time.Millisecond

	// stallFrom is the least delay that is called a stall.
	stallFrom = 10 * time.Millisecond
)

// aftermath is how long after a stall we may still be late: whoever waited
// meanwhile gets to run one after the other.
const aftermath = 100 * time.Millisecond

// A pulse notices when this process did not get to run: then a line was read
// later than it was written, and a time that is measured between two lines is
// off by as much. Nodes must not be blamed for that.
type pulse struct {
	start time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu     sync.Mutex
	stalls []stall
}

// A stall is a time in which we did not run, or one after the other, the longest
// of which took so long.
type stall struct{ from, to, longest time.Duration }

// gathered is how much time the stalls of one entry may span: when we are late
// for every line there are many.
const gathered = 100 * time.Millisecond

func newPulse(start time.Time) *pulse {
	p := &pulse{start: start, stop: make(chan struct{})}
	p.ended.Go(p.run)
	return p
}

func (p *pulse) run() {
	ticks := time.NewTicker(beat)
	defer ticks.Stop()
	last := time.Since(p.start)
	for {
		select {
		case <-ticks.C:
		case <-p.stop:
			return
		}
		now := time.Since(p.start)
		if now-last > stallFrom {
			p.add(last, now)
		}
		last = now
	}
}

func (p *pulse) add(from, to time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.stalls); n > 0 {
		last := &p.stalls[n-1]
		if from >= last.from && to-last.from < gathered {
			last.to = max(last.to, to)
			last.longest = max(last.longest, to-from)
			return
		}
	}
	p.stalls = append(p.stalls, stall{from, to, to - from})
}

func (p *pulse) end() {
	close(p.stop)
	p.ended.Wait()
}

// lag is by how much something that we read at a time may have been written
// earlier.
func (p *pulse) lag(at time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := stallFrom
	for _, s := range p.stalls {
		if at >= s.from && at <= s.to+aftermath {
			longest = max(longest, s.longest+stallFrom)
		}
	}
	return longest
}

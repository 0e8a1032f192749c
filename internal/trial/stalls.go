package trial

import (
	"fmt"
	"slices"
	"time"
)

const (
	// MinStall is the shortest delay that counts as a stall.
	MinStall = 10 * time.Millisecond

	// stallRecovery is how long after a stall lines may still be read late,
	// because the goroutines that waited run one after another.
	stallRecovery = 100 * time.Millisecond

	// minStandStill is the shortest stall of the loop that extends what nodes may take.
	minStandStill = 100 * time.Millisecond

	// maxStood is how long the loop may stand still in all. Then the test ends: nodes that
	// flood a busy machine with messages would keep it standing still for ever.
	maxStood = time.Minute

	// maxStallSpan is the longest time that one stall may span. If every line is
	// late, there are many stalls.
	maxStallSpan = 100 * time.Millisecond
)

// stalls are the periods in which the program that runs the trial did not run. Then a
// line was read later than it was written, and the time between two lines is measured
// wrongly by as much. Nodes must not be blamed for this.
type stalls []stall

// A stall is a period with delays.
type stall struct{ from, to, longest time.Duration }

// add records a delay. Delays that follow each other closely are one stall.
func (s *stalls) add(from, to time.Duration) {
	if n := len(*s); n > 0 {
		last := &(*s)[n-1]
		if from >= last.from && to-last.from < maxStallSpan {
			last.to = max(last.to, to)
			last.longest = max(last.longest, to-from)
			return
		}
	}
	*s = append(*s, stall{from, to, to - from})
}

// lag returns how much earlier a line may have been written than it was read at a
// time.
func (s *stalls) lag(at time.Duration) time.Duration {
	longest := MinStall
	for _, stall := range *s {
		if at >= stall.from && at <= stall.to+stallRecovery {
			longest = max(longest, stall.longest+MinStall)
		}
	}
	return longest
}

// between returns how long the program stood still between two times.
func (s *stalls) between(from, to time.Duration) (sum time.Duration) {
	for _, stall := range slices.Backward(*s) {
		sum += max(0, min(to, stall.to)-max(from, stall.from))
		to = min(to, stall.from) // stalls of the loop and of the monitor overlap
	}
	return sum
}

// Stalled tells the trial that the program did not run for a time, so that lines were
// read late.
func (t *Trial) Stalled(from, to time.Duration) { t.stalls.add(from, to) }

// StoodStill tells the trial that its caller stood still for a time, and carried no
// message. Nodes and clients get this time in addition: a reply cannot come before its
// request.
func (t *Trial) StoodStill(from, to time.Duration) {
	t.stalls.add(from, to)
	lost := to - from
	if lost < minStandStill {
		return
	}
	t.stood += lost
	if t.stood > maxStood && t.stopped == "" {
		t.stop(fmt.Sprintf("this machine is too busy: eddy itself stood still for %v", t.stood.Round(time.Second)))
		return
	}
	for _, n := range t.nodes {
		n.initDue += lost
		n.readsFrom += lost
	}
	for _, c := range t.clients {
		c.due += lost
	}
}

package eddy

import (
	"sync"
	"sync/atomic"
)

// A crew is the goroutines that wait to read on. One that has ended its handler
// after another took over the reading joins it, because a used goroutine has its
// stack already: with new ones a third of the time of blocking relays goes into
// growing stacks (bench, relay, eddy-blocking).
type crew struct {
	relief  chan uint32 // a turn, to one that waits
	waiting atomic.Int32

	mu   sync.Mutex
	home chan struct{} // closed to send home all that wait
}

const (
	crewAtWork = 1024 // may wait while handlers run
	crewAtRest = 16   // may wait otherwise
)

// read lets a goroutine read in this turn.
func (c *crew) read(n *Node, turn uint32) {
	select {
	case c.relief <- turn:
	default:
		go func(turn uint32) {
			for turn != 0 {
				n.read(turn)
				turn = c.wait(n)
			}
		}(turn)
	}
}

// wait returns the next turn of a goroutine that has none, 0 if it may go.
func (c *crew) wait(n *Node) uint32 {
	defer c.waiting.Add(-1)
	if c.waiting.Add(1) > c.limit(n) {
		return 0
	}
	c.mu.Lock()
	if c.home == nil {
		c.home = make(chan struct{})
	}
	home := c.home
	c.mu.Unlock()
	select {
	case turn := <-c.relief:
		return turn
	case <-home:
		return 0
	case <-n.ctx.Done():
		return 0
	}
}

func (c *crew) limit(n *Node) int32 {
	if n.active.Load() > 0 {
		return crewAtWork
	}
	return crewAtRest
}

// rest sends them home if no handler runs any more and many wait.
func (c *crew) rest() {
	if c.waiting.Load() <= crewAtRest {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.home != nil {
		close(c.home)
		c.home = nil
	}
}

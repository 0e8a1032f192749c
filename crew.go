package eddy

import "sync"

// A crew is the goroutines that wait to read on. One that has ended its handler
// after another took over the reading joins it, because a used goroutine has its
// stack already: with new ones a third of the time of blocking relays goes into
// growing stacks (bench, relay, eddy-blocking).
type crew struct {
	mu      sync.Mutex
	waiting []chan uint32 // each gets one turn, or 0 to go; the last to come is the first to read
	over    bool          // the node has ended
}

const (
	crewAtWork = 1024 // may wait while handlers run
	crewAtRest = 16   // may wait otherwise
)

// read lets a goroutine read in this turn.
func (c *crew) read(n *Node, turn uint32) {
	c.mu.Lock()
	last := len(c.waiting) - 1
	if last < 0 {
		c.mu.Unlock()
		go func() {
			relief := make(chan uint32, 1)
			for turn := turn; turn != 0; turn = c.wait(n, relief) {
				n.read(turn)
			}
		}()
		return
	}
	relief := c.waiting[last]
	c.waiting = c.waiting[:last]
	c.mu.Unlock()
	relief <- turn
}

// wait returns the next turn of a goroutine that has none, 0 if it may go.
func (c *crew) wait(n *Node, relief chan uint32) uint32 {
	most := c.most(n)
	c.mu.Lock()
	if c.over || len(c.waiting) >= most {
		c.mu.Unlock()
		return 0
	}
	c.waiting = append(c.waiting, relief)
	c.mu.Unlock()
	return <-relief
}

// most is how many may wait.
func (c *crew) most(n *Node) int {
	if n.active.Load() > 0 {
		return crewAtWork
	}
	return crewAtRest
}

// rest lets all but a few go: no handler runs any more.
func (c *crew) rest() { c.dismiss(crewAtRest) }

// end lets all go, and who comes later too: the node has ended.
func (c *crew) end() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.dismiss(0)
}

func (c *crew) dismiss(but int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) > but {
		last := len(c.waiting) - 1
		c.waiting[last] <- 0
		c.waiting[last] = nil
		c.waiting = c.waiting[:last]
	}
}

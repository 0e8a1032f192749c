package eddy

import "sync"

// A crew is the goroutines that wait to read on, or to run a coroutine. One that has
// ended its handler after another took over the reading joins it, because a used goroutine has its
// stack already: with new ones a third of the time of blocking relays goes into
// growing stacks (bench, relay, eddy-blocking).
type crew struct {
	mu      sync.Mutex
	waiting []chan duty // the last to come is the first to get one
	over    bool        // the node has ended
}

// A duty is a turn of reading, or a coroutine to run; the zero one is to go.
type duty struct {
	turn uint32
	co   *coroutine
}

func (d duty) do(n *Node) {
	if d.co != nil {
		d.co.run()
	} else {
		n.read(d.turn)
	}
}

const (
	crewAtWork = 1024 // may wait while handlers run
	crewAtRest = 16   // may wait otherwise
)

// do lets a goroutine do its duty.
func (c *crew) do(n *Node, d duty) {
	c.mu.Lock()
	last := len(c.waiting) - 1
	if last < 0 {
		c.mu.Unlock()
		go func() {
			relief := make(chan duty, 1)
			for d := d; d != (duty{}); d = c.wait(n, relief) {
				d.do(n)
			}
		}()
		return
	}
	relief := c.waiting[last]
	c.waiting = c.waiting[:last]
	c.mu.Unlock()
	relief <- d
}

// wait returns the next duty of a goroutine that has none.
func (c *crew) wait(n *Node, relief chan duty) duty {
	most := c.most(n)
	c.mu.Lock()
	if c.over || len(c.waiting) >= most {
		c.mu.Unlock()
		return duty{}
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
		c.waiting[last] <- duty{}
		c.waiting[last] = nil
		c.waiting = c.waiting[:last]
	}
}

package trial

import (
	"slices"
	"time"
)

// sendRequests lets free clients send the requests that are due. It returns false if
// there are none.
func (t *Trial) sendRequests() (sent bool) {
	if t.replay != nil {
		return t.sendAsks()
	}
	for len(t.free) > 0 && t.nextOp <= t.now {
		c := t.nextClient()
		if c == nil {
			t.nextOp = t.now + tick
			t.noNode++
			return sent
		}
		t.sent++
		sent = true
		t.setTurn(c, t.nextTurn(c))
		t.request(c, t.nextRequest(c))
		if t.cfg.Rate > 0 {
			t.nextOp += time.Duration(t.gap() / t.cfg.Rate * float64(time.Second))
		}
	}
	t.fallBehind()
	return sent
}

// fallBehind moves the time of the next request forward while no client is free:
// requests that could not be sent are not made up for.
func (t *Trial) fallBehind() {
	if t.cfg.Rate <= 0 || len(t.free) > 0 {
		return
	}
	if t.nextOp <= t.now {
		t.noClient++
	}
	t.nextOp = max(t.nextOp, t.now-time.Second)
}

// gap returns a random time until the next request, in units of its mean. Half of the
// requests follow another one at once, since many bugs show only when two requests are
// served at the same time. Between these groups the time is uniform, as with Jepsen's
// stagger.
func (t *Trial) gap() float64 {
	if t.rand.IntN(2) == 0 {
		return 0
	}
	return 4 * t.rand.Float64()
}

// nextTurn returns the turn of a client's next request. In each round every client has
// another place, since what is asked may depend on whether the number is even.
func (t *Trial) nextTurn(c *client) int64 {
	clients := int64(t.cfg.Concurrency)
	turn := c.asked*clients + (c.number+c.asked)%clients + 1
	c.asked++
	return turn
}

// setTurn sets what the next request of a client depends on, and notes that it asks.
func (t *Trial) setTurn(c *client, turn int64) {
	t.turn.Number, t.turn.Client = turn, int(c.number)
	t.noteAsk(c)
	t.draws.Seed(t.cfg.Network.Seed, uint64(t.turn.Number)*0x9e3779b97f4a7c15) // numbers that follow each other must not look alike
}

// nextClient takes a free client whose node is up, if possible one of the next node
// in their order. If it took the client that was free first, two runs with the same
// seed would soon send the same request to different nodes, and few messages would
// have the same fate.
func (t *Trial) nextClient() *client {
	at := -1
	if t.cfg.Rate > 0 {
		next := t.nodes[t.sent%len(t.nodes)]
		at = slices.IndexFunc(t.free, func(c *client) bool { return c.node == next && next.state == up })
	}
	if at < 0 {
		at = slices.IndexFunc(t.free, func(c *client) bool { return c.node.state == up })
	}
	if at < 0 {
		return nil
	}
	c := t.free[at]
	t.free = slices.Delete(t.free, at, at+1)
	return c
}

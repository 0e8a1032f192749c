package natscarrier

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy/natsnet"
)

// A check finds out whether every server delivers to all members.
//
// First everything that was written is flushed to the servers. Then a probe is sent from
// each server to each end. NATS delivers messages from one server to one receiver in
// order. So a message that was sent before and has not arrived when the probes arrive will
// never arrive: the server or the connection that had it has died. Last, the services that
// nodes have used must have a leader.
type check struct {
	inboxes []chan *nats.Msg // of the test's own connections
	news    chan struct{}    // receives a value when a probe has arrived
	running sync.WaitGroup

	mu      sync.Mutex
	end     context.CancelFunc // ends the latest check
	begun   int                // how many checks have begun
	done    int                // the number of the latest check that succeeded
	round   int64
	arrived map[probe]bool // in this round
}

// A probe is a message from a server to an end: a node's or one of the test's own
// connections.
type probe struct{ server, end int }

const (
	probeRound   = 16 // the distance of two rounds in the records of probes; there are fewer servers
	roundTime    = 500 * time.Millisecond
	betweenTries = 20 * time.Millisecond
)

// CheckServers begins a new check.
func (c *Carrier) CheckServers() {
	k := &c.check
	k.stop()
	ctx, end := context.WithCancel(context.Background())
	k.mu.Lock()
	k.end = end
	k.begun++
	number := k.begun
	k.mu.Unlock()
	k.running.Go(func() {
		if c.checkUntilDone(ctx) {
			k.mu.Lock()
			k.done = number
			k.mu.Unlock()
			c.wake()
		}
	})
}

// ServersChecked reports whether the latest check has succeeded.
func (c *Carrier) ServersChecked() bool {
	k := &c.check
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.done == k.begun
}

// stop ends the latest check.
func (k *check) stop() {
	k.mu.Lock()
	if k.end != nil {
		k.end()
	}
	k.mu.Unlock()
	k.running.Wait()
}

// checkUntilDone repeats the check until it succeeds, and returns true, or until ctx ends.
func (c *Carrier) checkUntilDone(ctx context.Context) bool {
	pinned := make([]*nats.Conn, len(c.servers.urls)) // each connected to one server only
	defer func() {
		for _, nc := range pinned {
			if nc != nil {
				nc.Close()
			}
		}
	}()
	for ctx.Err() == nil {
		if c.pin(pinned) && c.flush(ctx) && c.probe(ctx, pinned) && c.services.haveLeaders(ctx, pinned[0]) {
			return true
		}
		select {
		case <-time.After(betweenTries):
		case <-ctx.Done():
		}
	}
	return false
}

// pin connects to every server.
func (c *Carrier) pin(pinned []*nats.Conn) bool {
	for i, nc := range pinned {
		if nc != nil && nc.IsConnected() {
			continue
		}
		nc, err := nats.Connect(c.servers.urls[i], nats.NoReconnect(), nats.Timeout(time.Second))
		if err != nil {
			return false
		}
		pinned[i] = nc
	}
	return true
}

// flush waits until the servers have received everything that was written.
func (c *Carrier) flush(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	for _, conn := range c.conns {
		if conn.Joined(ctx) != nil {
			return false
		}
	}
	for _, nc := range c.ours {
		if nc.FlushWithContext(ctx) != nil {
			return false
		}
	}
	return true
}

// probe sends a probe from each server to each end and reports whether all arrived.
func (c *Carrier) probe(ctx context.Context, pinned []*nats.Conn) bool {
	ends := append([]string(nil), c.names...)
	for i := range c.ours {
		ends = append(ends, ownName(i))
	}
	k := &c.check
	k.mu.Lock()
	k.round++
	round := k.round
	k.arrived = map[probe]bool{}
	k.mu.Unlock()
	for i, nc := range pinned {
		for _, end := range ends {
			line := appendLine(nil, probeSource, end, -(round*probeRound + int64(i)), []byte(`{"type":"probe"}`))
			if nc.Publish(natsnet.Subject(clusterName, end, probeSource), line) != nil {
				return false
			}
		}
	}
	timeout := time.NewTimer(roundTime)
	defer timeout.Stop()
	for {
		k.mu.Lock()
		all := len(k.arrived) == len(pinned)*len(ends)
		k.mu.Unlock()
		if all {
			return true
		}
		select {
		case <-k.news:
		case <-timeout.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// probeSource is the src of probes.
const probeSource = "c0"

// probeArrived handles a probe with a record at an end.
func (k *check) probeArrived(end int, record int64) {
	k.mu.Lock()
	if -record/probeRound == k.round {
		k.arrived[probe{int(-record % probeRound), end}] = true
	}
	k.mu.Unlock()
	select {
	case k.news <- struct{}{}:
	default:
	}
}

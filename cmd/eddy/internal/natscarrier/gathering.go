package natscarrier

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/eddyrpc/eddy/natsnet"
)

// gathering finds out whether every server carries to everybody.
//
// First all that has been written is flushed to the servers; then a probe is sent to
// each end from each server. NATS keeps the order of what goes from one server to a
// receiver, so that what was sent before, and has not come when the probe comes,
// will never come: wherever it was, a server or a connection has died with it. At last
// the services that nodes have asked must have a leader.
type gathering struct {
	inboxes []chan *nats.Msg // of our connections
	news    chan struct{}    // a probe was heard
	running sync.WaitGroup

	mu    sync.Mutex
	end   context.CancelFunc // of the latest attempt
	turn  int                // attempts begun
	done  int                // the latest that succeeded
	round int64
	seen  map[probe]bool // of this round
}

// A probe goes from a server to an end.
type probe struct{ server, end int }

const (
	probeRound   = 16 // rounds are this far apart in a probe's record; there are fewer servers
	roundTime    = 500 * time.Millisecond
	betweenTries = 20 * time.Millisecond
)

// CheckServers begins a new check.
func (c *Carrier) CheckServers() {
	g := &c.gathered
	g.stop()
	ctx, end := context.WithCancel(context.Background())
	g.mu.Lock()
	g.end = end
	g.turn++
	turn := g.turn
	g.mu.Unlock()
	g.running.Go(func() {
		if c.gather(ctx) {
			g.mu.Lock()
			g.done = turn
			g.mu.Unlock()
			c.wake()
		}
	})
}

// ServersChecked reports whether the latest check has succeeded.
func (c *Carrier) ServersChecked() bool {
	g := &c.gathered
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.done == g.turn
}

func (g *gathering) stop() {
	g.mu.Lock()
	if g.end != nil {
		g.end()
	}
	g.mu.Unlock()
	g.running.Wait()
}

func (c *Carrier) gather(ctx context.Context) bool {
	pinned := make([]*nats.Conn, len(c.servers.urls)) // each at one server for good
	defer func() {
		for _, nc := range pinned {
			if nc != nil {
				nc.Close()
			}
		}
	}()
	for ctx.Err() == nil {
		if c.pin(pinned) && c.flush(ctx) && c.probe(ctx, pinned) && c.services.lead(ctx, pinned[0]) {
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

// flush waits until all that was written is with the servers.
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

// probe sends from each server to each end, and reports whether all has come.
func (c *Carrier) probe(ctx context.Context, pinned []*nats.Conn) bool {
	ends := append([]string(nil), c.names...)
	for i := range c.ours {
		ends = append(ends, testerName(i))
	}
	g := &c.gathered
	g.mu.Lock()
	g.round++
	round := g.round
	g.seen = map[probe]bool{}
	g.mu.Unlock()
	const src = "c0"
	for i, nc := range pinned {
		for _, end := range ends {
			line := appendLine(nil, src, end, -(round*probeRound + int64(i)), []byte(`{"type":"probe"}`))
			if nc.Publish(natsnet.Subject(clusterName, end, src), line) != nil {
				return false
			}
		}
	}
	late := time.NewTimer(roundTime)
	defer late.Stop()
	for {
		g.mu.Lock()
		all := len(g.seen) == len(pinned)*len(ends)
		g.mu.Unlock()
		if all {
			return true
		}
		select {
		case <-g.news:
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// heard takes in a probe.
func (g *gathering) heard(end int, record int64) {
	g.mu.Lock()
	if -record/probeRound == g.round {
		g.seen[probe{int(-record % probeRound), end}] = true
	}
	g.mu.Unlock()
	select {
	case g.news <- struct{}{}:
	default:
	}
}

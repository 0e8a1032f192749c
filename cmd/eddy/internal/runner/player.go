package runner

import (
	"github.com/eddyrpc/eddy/cmd/eddy/internal/sim"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/workload"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/service"
)

// cast is everybody on the network who is neither a node under test nor a
// client: services, and the nodes that the workload plays.
type cast struct {
	services map[string]*service.Service
	player   workload.NodeSimulator // nil if the workload plays nobody
	played   map[string]bool
}

func newCast(load workload.Workload, seed uint64) cast {
	c := cast{services: service.All(seed), played: map[string]bool{}}
	if player, ok := load.(workload.NodeSimulator); ok {
		c.player = player
		for _, name := range player.SimulatedNodes() {
			c.played[name] = true
		}
	}
	return c
}

// IsService reports whether a name is a service's, which no node may have.
func IsService(name string) bool {
	_, err := service.New(name, 0)
	return err == nil
}

// has reports whether a name is one of the cast's.
func (c *cast) has(name string) bool { return c.played[name] || c.services[name] != nil }

// perform lets the cast take a message; it reports false if it is for nobody
// of them.
func (r *runner) perform(d *sim.Delivery) bool {
	if s := r.cast.services[d.Dest]; s != nil {
		if d.IsRequest() {
			reply, err := message.New(d.Dest, d.Src, s.Serve(d.Src, d.Type, d.Body, d.ID))
			if err == nil {
				r.net.Send(r.now, reply)
			}
		}
		return true
	}
	if r.cast.played[d.Dest] {
		r.sendAll(r.cast.player.Received(&d.Message))
		return true
	}
	return false
}

// saw tells the player what a node has sent to another.
func (r *runner) saw(m *message.Message) {
	if r.cast.player != nil && (r.byName[m.Dest] != nil || r.cast.played[m.Dest]) {
		r.sendAll(r.cast.player.Observed(m))
	}
}

func (r *runner) sendAll(sends []workload.Send) {
	for _, s := range sends {
		send := r.net.Send
		if !r.cast.has(s.Message.Src) {
			send = r.net.Forge
		}
		if s.After <= 0 {
			send(r.now, s.Message)
			continue
		}
		r.posts.set(r.now+s.After, func() { send(r.now, s.Message) })
	}
}

package trial

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/service"
	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/workload"
)

// peers are the members of the network that are neither nodes under test nor
// clients: services, and nodes that the workload simulates.
type peers struct {
	services  map[string]*service.Service
	simulator workload.NodeSimulator // nil if the workload simulates no nodes
	names     []string               // of the simulated nodes
	simulated map[string]bool        // by name
}

func newPeers(load workload.Workload, seed uint64) peers {
	p := peers{services: service.All(seed), simulated: map[string]bool{}}
	if simulator, ok := load.(workload.NodeSimulator); ok {
		p.simulator, p.names = simulator, simulator.SimulatedNodes()
		for _, name := range p.names {
			p.simulated[name] = true
		}
	}
	return p
}

// IsService reports whether a name is the name of a service, which no node may have.
func IsService(name string) bool {
	_, err := service.New(name, 0)
	return err == nil
}

// has reports whether a name is the name of a peer.
func (p *peers) has(name string) bool { return p.simulated[name] || p.services[name] != nil }

// deliverToPeer delivers a message to a peer. It returns false if the receiver is
// not a peer.
func (t *Trial) deliverToPeer(d *sim.Delivery) bool {
	if s := t.peers.services[d.Dest]; s != nil {
		if id := requestID(&d.Message); id != nil {
			reply, _, err := message.NewAny(d.Dest, d.Src, s.ServeID(d.Src, d.Type, d.Body, id))
			if err == nil {
				t.net.Send(t.now, reply)
			}
		}
		return true
	}
	if t.peers.simulated[d.Dest] {
		received := d.Message // a copy, so that only these messages are on the heap
		t.sendAll(t.peers.simulator.Received(&received))
		return true
	}
	return false
}

// requestID returns the msg_id of a request, which may be beyond 2^63-1, and nil of any
// other message.
func requestID(m *message.Message) jsontext.Value {
	id := message.Member(m.Body, "msg_id")
	if m.IsReply() || id.Kind() != '0' {
		return nil
	}
	return id
}

// observe passes a message between nodes to the simulator.
func (t *Trial) observe(m *message.Message) {
	if t.peers.simulator != nil && (t.byName[m.Dest] != nil || t.peers.simulated[m.Dest]) {
		observed := *m
		t.sendAll(t.peers.simulator.Observed(&observed))
	}
}

// sendAll sends messages of the simulator, now or later. All are about one message of a node.
// If that node has another incarnation by then, the network drops the first reply, which is
// to an earlier incarnation. It could take a second one for a reply to a request of the new
// incarnation with the same id, so that is not sent.
func (t *Trial) sendAll(sends []workload.Send) {
	for i, s := range sends {
		send := t.net.Send
		if !t.peers.has(s.Message.Src) {
			send = t.net.Forge
		}
		if s.After <= 0 {
			send(t.now, s.Message)
			continue
		}
		before := t.incarnationOf(s.Message.Dest)
		t.sendTimers.set(t.now+s.After, func() {
			if i == 0 || t.cfg.Network.StaleReplies || t.incarnationOf(s.Message.Dest) == before {
				send(t.now, s.Message)
			}
		})
	}
}

// incarnationOf returns the number of a node's incarnation, 0 if it is no node.
func (t *Trial) incarnationOf(name string) int {
	if n := t.byName[name]; n != nil {
		return n.incarnation.number
	}
	return 0
}

package natsnet

import (
	"sync"
	"sync/atomic"
)

// peers keep what would else be made anew for each message: subjects, and names out
// of subjects.
type peers struct {
	names subjects
	self  string

	sources map[string]string // the reader's, by subject

	mu    sync.Mutex       // of the writer when it adds one, and of others
	dests map[string]*peer // the writer's
}

// maxPeers bounds them: anybody may send under any name, where a server allows it.
const maxPeers = 10_000

// A peer is a node that we send to.
type peer struct {
	names      subjects
	self, name string
	subject    string // where messages for it go

	life, reply string // the reply subject of our life

	requests atomic.Int64 // sent to it
}

// dest is the node of a name.
func (p *peers) dest(name []byte) *peer {
	if known := p.dests[string(name)]; known != nil {
		return known
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dests == nil || len(p.dests) >= maxPeers {
		p.dests = make(map[string]*peer)
	}
	d := &peer{names: p.names, self: p.self, name: string(name), subject: p.names.subject(string(name), p.self)}
	p.dests[d.name] = d
	return d
}

// requests are how many were sent to each.
func (p *peers) requests() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]int64)
	for name, d := range p.dests {
		if n := d.requests.Load(); n > 0 {
			all[name] = n
		}
	}
	return all
}

// unheard is where a server tells a life of ours that nobody has joined as it.
func (d *peer) unheard(life string) string {
	if d.life != life {
		d.life, d.reply = life, d.names.unheard(d.self, life, d.name)
	}
	return d.reply
}

// source is the node that a message on a subject is from.
func (p *peers) source(subject string) (name string, ok bool) {
	if name, ok = p.sources[subject]; ok {
		return name, true
	}
	if name, ok = p.names.source(subject); !ok {
		return "", false
	}
	if p.sources == nil || len(p.sources) >= maxPeers {
		p.sources = make(map[string]string)
	}
	p.sources[subject] = name
	return name, true
}

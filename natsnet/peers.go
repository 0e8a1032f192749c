package natsnet

// peers keep what would else be made anew for each message: subjects, and names out
// of subjects.
type peers struct {
	names subjects
	self  string

	dests   map[string]*peer  // the writer's
	sources map[string]string // the reader's, by subject
}

// maxPeers bounds them: anybody may send under any name, where a server allows it.
const maxPeers = 10_000

// A peer is a node that we send to.
type peer struct {
	names      subjects
	self, name string
	subject    string // where messages for it go

	life, reply string // the reply subject of our life
}

// dest is the node of a name.
func (p *peers) dest(name []byte) *peer {
	if known := p.dests[string(name)]; known != nil {
		return known
	}
	if p.dests == nil || len(p.dests) >= maxPeers {
		p.dests = make(map[string]*peer)
	}
	d := &peer{names: p.names, self: p.self, name: string(name), subject: p.names.subject(string(name), p.self)}
	p.dests[d.name] = d
	return d
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

package natsnet

import (
	"sync"
	"sync/atomic"

	"github.com/eddyrpc/eddy/internal/bounded"
)

// peers keep what would otherwise be made anew for each message: subjects, and names
// out of subjects.
type peers struct {
	subjects subjects
	self     string

	sources bounded.Map[string, string] // the sender, by subject; used by the reader alone

	mu    sync.Mutex                 // held to add a dest, and to read dests elsewhere than in Write
	dests bounded.Map[string, *peer] // by name
}

// Anybody may send under any name where a server allows it, and a node may send to
// names that it was told by others. So what is kept for them is bounded.
const (
	maxPeers     = 10_000
	maxPeerBytes = 4 << 20 // of their names and subjects
)

func (p *peers) init(s subjects, self string) {
	p.subjects, p.self = s, self
	p.sources = bounded.Map[string, string]{
		MaxEntries: maxPeers, MaxBytes: maxPeerBytes,
		Bytes: func(subject, src string) int { return len(subject) + len(src) },
	}
	p.dests = bounded.Map[string, *peer]{
		MaxEntries: maxPeers, MaxBytes: maxPeerBytes,
		Bytes: func(name string, d *peer) int { return len(name) + 2*len(d.subject) }, // the reply subject is about as long
	}
}

// A peer is a node that this one sends to.
type peer struct {
	subjects   subjects
	self, name string
	subject    string // of messages for the peer

	incarnation, reply string // the reply subject of an incarnation of this node

	requests atomic.Int64 // sent to it
}

// dest returns the peer of a name, or nil if the name is too long for a subject.
func (p *peers) dest(name []byte) *peer {
	if 2*len(name) > maxSubjects { // its subject and its reply subject name it
		return nil
	}
	if known := p.dests.Get(string(name)); known != nil {
		return known
	}
	if 2*tokenLen(name) > maxSubjects {
		return nil
	}
	d := &peer{subjects: p.subjects, self: p.self, name: string(name), subject: p.subjects.subject(string(name), p.self)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dests.Put(d.name, d)
	return d
}

// requests returns how many requests were sent to each peer.
func (p *peers) requests() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]int64)
	for name, d := range p.dests.All() {
		if n := d.requests.Load(); n > 0 {
			all[name] = n
		}
	}
	return all
}

// replySubject returns the subject on which a server tells an incarnation of this node
// that nobody has joined as the peer.
func (d *peer) replySubject(incarnation string) string {
	if d.incarnation != incarnation {
		d.incarnation, d.reply = incarnation, d.subjects.reply(d.self, incarnation, d.name)
	}
	return d.reply
}

// source returns the node that a message on a subject is from.
func (p *peers) source(subject string) (name string, ok bool) {
	if name, ok = p.sources.Lookup(subject); ok {
		return name, true
	}
	if name, ok = p.subjects.source(subject); !ok {
		return "", false
	}
	p.sources.Put(subject, name)
	return name, true
}

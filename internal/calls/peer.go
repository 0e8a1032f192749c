package calls

import (
	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// A Peer is a node that is called, and what all calls to it share.
type Peer struct {
	Name   string
	Shared schedule.Destination

	Calls, Retries, Late, Failures int64
}

// The number of peers is bounded, because the sender of a request may choose the name of the
// node that is called for it.
const (
	maxPeers     = 4096
	maxPeerNames = 1 << 20 // bytes of all names together
)

// peers are the nodes that were called. The zero value is empty.
type peers struct {
	known  bounded.Map[string, *Peer]
	latest *Peer // often the same one again
}

// get returns the peer with a name. A new peer may replace others. When such a peer is called
// again, its counters and its estimate begin anew.
func (s *peers) get(name string) *Peer {
	if s.latest != nil && s.latest.Name == name {
		return s.latest
	}
	p := s.known.Get(name)
	if p == nil {
		p = &Peer{Name: name}
		s.known.MaxEntries, s.known.MaxBytes = maxPeers, maxPeerNames
		s.known.Bytes = func(name string, _ *Peer) int { return len(name) }
		s.known.Put(name, p)
	}
	s.latest = p
	return p
}

package calls

import (
	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/schedule"
)

// A Peer is a node that is called, and what the calls to it share.
type Peer struct {
	Name   string
	Shared schedule.Destination

	Calls, Retries, Late, Failures int64
}

// What is kept of peers is bounded, because whoever sends requests may choose the
// names of the nodes that are called for them.
const (
	maxPeers     = 4096
	maxPeerNames = 1 << 20 // bytes of all names together
)

// peers keeps the peers that were called. The zero value is empty.
type peers struct {
	known  bounded.Map[string, *Peer]
	latest *Peer // the usual one
}

// get returns the peer of a name. A new one may make the node forget others,
// whose counters and estimates then begin anew.
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

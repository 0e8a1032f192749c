package service

import "math/rand/v2"

const replicas = 5

// lwwKV is eventually consistent. A random replica serves each request, so a read
// may miss the requester's last write, and two cas operations from the same value
// may both succeed. With every request, one replica sends its value of the
// request's key to another, which keeps the later write. So all replicas become
// equal in the end.
type lwwKV struct {
	replicas [replicas]map[string]stamped
	clock    int64
}

// A stamped value has the logical time of its write.
type stamped struct {
	at    int64
	value string
}

func newLWW() *lwwKV {
	s := &lwwKV{}
	for i := range s.replicas {
		s.replicas[i] = map[string]stamped{}
	}
	return s
}

func (s *lwwKV) serve(_ string, random *rand.Rand, r *request) reply {
	o, refused := parse(r)
	if refused.typ != "" {
		return refused
	}
	replica := s.replicas[random.IntN(replicas)]
	current, exists := replica[o.key]
	result, writes := o.apply(current.value, exists)
	if writes {
		s.clock++
		replica[o.key] = stamped{s.clock, o.value}
	}
	s.gossip(random.IntN(replicas), random.IntN(replicas), o.key)
	return result
}

// gossip sends one replica's value of a key to another replica.
func (s *lwwKV) gossip(from, to int, key string) {
	if v := s.replicas[from][key]; v.at > s.replicas[to][key].at {
		s.replicas[to][key] = v
	}
}

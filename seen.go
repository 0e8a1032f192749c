package eddy

import "sync"

// A Seen remembers keys, to tell what is new from what has come before, as gossip must
// to end. It keeps the latest so many: one more key makes it forget the one that was
// added first. The zero value is ready, and its methods may be called from any
// goroutine.
//
// What it has forgotten is new once more: a message that comes so late is passed on
// again, and those who also have forgotten it pass it on again too. So Max should be
// well over the number of keys that come up while any message may still be on its way,
// and what is done for a new key must bear being done twice. A key that is added again
// is not younger for that, or one that goes round for ever would never be forgotten,
// nor would it be noticed.
type Seen[K comparable] struct {
	// Max is how many keys are remembered. 0 means 100,000.
	Max int

	mu    sync.Mutex
	keys  map[K]struct{}
	order []K // a ring once it is full
	first int // in the ring: the key that was added first
}

// Add adds a key, and reports whether it was not there.
func (s *Seen[K]) Add(key K) (isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.keys[key]; known {
		return false
	}
	if s.keys == nil {
		s.keys = make(map[K]struct{})
	}
	s.keys[key] = struct{}{}
	if limit := orDefault(s.Max, defaultMaxSeen); len(s.order) < limit {
		s.order = append(s.order, key)
		return true
	}
	delete(s.keys, s.order[s.first])
	s.order[s.first] = key
	s.first = (s.first + 1) % len(s.order)
	return true
}

// Len is how many keys it remembers.
func (s *Seen[K]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys)
}

const defaultMaxSeen = 100_000

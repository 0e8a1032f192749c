package bounded

import "sync"

// A Set keeps the keys that were added first. It is safe for concurrent use.
type Set[K comparable] struct {
	Max int // how many keys it keeps

	mu   sync.Mutex
	keys map[K]struct{}
}

// Add adds a key, unless the set is full. It reports whether the set has the key.
func (s *Set[K]) Add(key K) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, has := s.keys[key]; has || len(s.keys) >= s.Max {
		return has
	}
	if s.keys == nil {
		s.keys = make(map[K]struct{})
	}
	s.keys[key] = struct{}{}
	return true
}

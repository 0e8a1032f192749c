package bounded

// A Latest keeps the keys that were added latest. The zero value is empty. It is not safe for
// concurrent use.
type Latest[K comparable] struct {
	keys  map[K]struct{}
	order []K // a ring once it is full
	first int // in the ring: the key that was added first
}

// Add adds a key, and reports whether it is new. Of more than limit keys it drops the one that
// was added first. The limit must be the same each time.
func (l *Latest[K]) Add(key K, limit int) (isNew bool) {
	if _, known := l.keys[key]; known {
		return false
	}
	if l.keys == nil {
		l.keys = make(map[K]struct{})
	}
	l.keys[key] = struct{}{}
	if len(l.order) < limit {
		l.order = append(l.order, key)
		return true
	}
	delete(l.keys, l.order[l.first])
	l.order[l.first] = key
	l.first = (l.first + 1) % len(l.order)
	return true
}

// Len returns how many keys it has.
func (l *Latest[K]) Len() int { return len(l.keys) }

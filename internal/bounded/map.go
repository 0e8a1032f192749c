// Package bounded bounds what is kept and printed of names and texts that strangers choose.
package bounded

// A Map is a map with a limit on its entries and on their bytes. A Put that exceeds a
// limit removes other entries, in no particular order. It is not safe for concurrent
// use.
type Map[K comparable, V any] struct {
	MaxEntries int
	MaxBytes   int
	Bytes      func(K, V) int // bytes that an entry counts for

	entries map[K]V
	bytes   int
}

// Get returns the value of a key, or the zero value if there is none.
func (m *Map[K, V]) Get(key K) V { return m.entries[key] }

// Lookup returns the value of a key and whether there is one.
func (m *Map[K, V]) Lookup(key K) (value V, ok bool) {
	value, ok = m.entries[key]
	return value, ok
}

// Put sets the value of a key. An entry that alone exceeds MaxBytes is not kept.
func (m *Map[K, V]) Put(key K, value V) {
	m.Delete(key)
	size := m.Bytes(key, value)
	if size > m.MaxBytes {
		return
	}
	for other := range m.entries {
		if len(m.entries) < m.MaxEntries && m.bytes+size <= m.MaxBytes {
			break
		}
		m.Delete(other)
	}
	if m.entries == nil {
		m.entries = make(map[K]V)
	}
	m.entries[key] = value
	m.bytes += size
}

// Delete removes the entry of a key, if there is one.
func (m *Map[K, V]) Delete(key K) {
	if value, ok := m.entries[key]; ok {
		m.bytes -= m.Bytes(key, value)
		delete(m.entries, key)
	}
}

// All returns the entries. The caller must not change them.
func (m *Map[K, V]) All() map[K]V { return m.entries }

package bounded

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// After any sequence of operations the map is within its limits, the latest entry that
// fits is there, and no entry has another value than the one that was put last.
func TestMapStaysWithinItsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Map[string, string]{
			MaxEntries: rapid.IntRange(1, 10).Draw(t, "entries"),
			MaxBytes:   rapid.IntRange(1, 100).Draw(t, "bytes"),
			Bytes:      func(k, v string) int { return len(k) + len(v) },
		}
		put := map[string]string{}
		for range rapid.IntRange(1, 50).Draw(t, "operations") {
			key := strings.Repeat("k", rapid.IntRange(0, 20).Draw(t, "key"))
			if rapid.Bool().Draw(t, "delete") {
				m.Delete(key)
				delete(put, key)
			} else {
				value := strings.Repeat("v", rapid.IntRange(0, 120).Draw(t, "value"))
				m.Put(key, value)
				put[key] = value
				if _, ok := m.Lookup(key); ok != (len(key)+len(value) <= m.MaxBytes) {
					t.Fatalf("put %d+%d bytes: kept is %v", len(key), len(value), ok)
				}
			}
			bytes := 0
			for k, v := range m.All() {
				bytes += len(k) + len(v)
				if want, ok := put[k]; !ok || v != want {
					t.Fatalf("%q is %q, want %q", k, v, want)
				}
			}
			if len(m.All()) > m.MaxEntries || bytes > m.MaxBytes || bytes != m.bytes {
				t.Fatalf("%d entries of %d bytes, counted as %d", len(m.All()), bytes, m.bytes)
			}
		}
	})
}

package bounded

// Strings keeps one copy of each string. It is not safe for concurrent use.
type Strings struct{ kept Map[string, string] }

// NewStrings returns a Strings that keeps at most so many strings and bytes.
func NewStrings(maxEntries, maxBytes int) *Strings {
	size := func(s, _ string) int { return len(s) }
	return &Strings{Map[string, string]{MaxEntries: maxEntries, MaxBytes: maxBytes, Bytes: size}}
}

// Of returns b as a string, without a copy if the string is kept already.
func (s *Strings) Of(b []byte) string {
	if kept, ok := s.kept.entries[string(b)]; ok { // the compiler makes no copy here
		return kept
	}
	text := string(b)
	s.kept.Put(text, text)
	return text
}

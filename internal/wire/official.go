package wire

import (
	"bytes"
	"slices"
)

// In the dialect of Maelstrom's official Go library src and dest may be missing, and
// the members of a body are sorted by their names.

// Scan reads a line into m, as Message.Scan does, in this dialect.
func (d Dialect) Scan(m *Message, line []byte) error { return m.scan(line, d.Official) }

// sortBody sorts the members of the body of a message. Its length stays the same.
func (d Dialect) sortBody(message []byte) {
	body := Member(message, "body")
	before := bytes.Clone(body)
	sorted := slices.SortedStableFunc(members(before), func(a, b member) int {
		return bytes.Compare(Unquote(before[a.start:a.nameEnd]), Unquote(before[b.start:b.nameEnd]))
	})
	body = append(body[:0], '{')
	for i, m := range sorted {
		if i > 0 {
			body = append(body, d.pick(", ", ",")...)
		}
		body = append(body, before[m.start:m.end]...)
	}
}

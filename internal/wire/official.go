package wire

import (
	"bytes"
	"slices"
	"strings"
)

// In the dialect of Maelstrom's official Go library src and dest may be missing, the
// members of a body are sorted by their names, a body may lack a type, and reserved keys
// are read without regard to case: encoding/json does so.

// Scan reads a line into m, as Message.Scan does, in this dialect.
func (d Dialect) Scan(m *Message, line []byte) error { return m.scan(line, d.Official) }

// foldedKey returns the reserved key that a name is if case does not matter, plus
// keyFolded, or keyOwn.
func foldedKey(name []byte) key {
	for k := keySrc; k <= keyInReplyTo; k++ {
		of := keyNames[k]
		if bytes.EqualFold(name, []byte(of[strings.IndexByte(of, '.')+1:])) {
			return k | keyFolded
		}
	}
	return keyOwn
}

// readFolded reads the value of a reserved key of a body whose name differs in case. The
// body has it as a field of its own, too: it is passed on as it is. from is where the
// body begins.
func (b *Body) readFolded(c *cursor, k key, from, value int) (end int) {
	switch k &^ keyFolded {
	case keyType:
		if _, end = c.readString(k, value, bodyDepth+1); c.peek(value) == '"' {
			b.typ, b.escaped = span{value - from, end - from}, c.escaped
		}
	case keyID:
		b.ID, end = c.readID(k, value, bodyDepth+1)
	case keyInReplyTo:
		b.InReplyTo, end = c.readID(k, value, bodyDepth+1)
	default:
		end = c.value(value, bodyDepth+1) // src, dest and body, which a body does not reserve
	}
	return end
}

// HasFields reports whether a body has fields of its own.
func (b *Body) HasFields() bool { return b.count > 0 }

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

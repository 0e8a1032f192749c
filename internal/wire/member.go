package wire

import (
	"bytes"
	"iter"
	"slices"
)

// A member is where a member of an object stands: from start to end. Its value begins
// at value.
type member struct{ start, nameEnd, value, end int }

// members yields the members of an object in their order. It ends where the text is
// invalid, and yields none if the text is not an object.
func members(object []byte) iter.Seq[member] {
	return func(yield func(member) bool) {
		c := cursor{text: object}
		i := c.skip(0)
		if c.peek(i) != '{' {
			return
		}
		i = c.skip(i + 1)
		for c.peek(i) == '"' {
			nameEnd, value := c.name(i)
			end := c.value(value, bodyDepth)
			if end < 0 || !yield(member{i, nameEnd, value, end}) {
				return
			}
			if i = c.skip(end); c.peek(i) != ',' {
				return
			}
			i = c.skip(i + 1)
		}
	}
}

// is reports whether the member of this object has this name.
func (m member) is(object []byte, name string) bool {
	if encoded := object[m.start+1 : m.nameEnd-1]; bytes.IndexByte(encoded, '\\') < 0 {
		return string(encoded) == name
	}
	return string(Unquote(object[m.start:m.nameEnd])) == name
}

// Member returns the encoded value of a member of an object, which must be valid JSON.
// If the name is given several times, the last value counts, as for most readers of
// JSON. If there is no such member, or the text is not an object, Member returns nil.
func Member(object []byte, name string) (value []byte) {
	for m := range members(object) {
		if m.is(object, name) {
			value = object[m.value:m.end]
		}
	}
	return value
}

// Members yields the decoded names and the encoded values of an object, which must be
// valid JSON, in their order. If the text is not an object, it yields nothing.
func Members[T ~[]byte](object T) iter.Seq2[T, T] {
	return func(yield func(name, value T) bool) {
		for m := range members(object) {
			if !yield(Unquote(object[m.start:m.nameEnd]), object[m.value:m.end]) {
				return
			}
		}
	}
}

// Without returns an object, which must be valid JSON, without the members that have
// one of the names.
func Without(object []byte, names ...string) []byte {
	rest := make([]byte, 0, len(object))
	for m := range members(object) {
		if !slices.ContainsFunc(names, func(name string) bool { return m.is(object, name) }) {
			rest = append(append(rest, ','), object[m.start:m.end]...)
		}
	}
	if len(rest) == 0 {
		return []byte("{}")
	}
	rest[0] = '{'
	return append(rest, '}')
}

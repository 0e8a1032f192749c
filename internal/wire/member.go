package wire

import "bytes"

// A member is where one of an object's members stands in a text that is known to be
// valid, so that nothing is checked here. Whatever the text is, the places are within
// it. It takes little stack, for handlers that wait have a small one (bench, open).
type member struct {
	name, nameEnd int // quotes included
	value, end    int
	next          int // where the next name begins; -1 if there is none
}

// is reports whether the member's name in raw is this one.
func (m *member) is(raw []byte, name string) bool {
	spelled := raw[m.name+1 : m.nameEnd-1]
	if bytes.IndexByte(spelled, '\\') < 0 {
		return string(spelled) == name
	}
	return string(Unquote(raw[m.name:m.nameEnd])) == name
}

// firstName is where the first member of the object raw begins, -1 if there is none.
func firstName(raw []byte) int {
	i := nextToken(raw, 0)
	if i == len(raw) || raw[i] != '{' {
		return -1
	}
	return nameAt(raw, i+1)
}

// nameAt is where a name begins if one follows at i, else -1.
func nameAt(raw []byte, i int) int {
	if i = nextToken(raw, i); i < len(raw) && raw[i] == '"' {
		return i
	}
	return -1
}

// memberAt is the member whose name begins at i, false if it has no value.
func memberAt(raw []byte, i int) (m member, ok bool) {
	m.name, m.nameEnd, m.next = i, stringEnd(raw, i), -1
	m.value = nextToken(raw, nextToken(raw, m.nameEnd)+1) // behind the colon
	if m.value >= len(raw) {
		return m, false
	}
	m.end = valueEnd(raw, m.value)
	if comma := nextToken(raw, m.end); comma < len(raw) && raw[comma] == ',' {
		m.next = nameAt(raw, comma+1)
	}
	return m, true
}

// nextToken is the place of the first byte from i on that is no blank.
func nextToken(raw []byte, i int) int {
	for i < len(raw) && raw[i] <= ' ' {
		i++
	}
	return i
}

// valueEnd is the place behind the value that begins at i.
func valueEnd(raw []byte, i int) int {
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			i++
			continue
		default:
			i = wordEnd(raw, i)
		}
		if depth <= 0 {
			return i
		}
	}
	return len(raw)
}

// wordEnd is the place behind the number or literal that begins at i.
func wordEnd(raw []byte, i int) int {
	for i < len(raw) {
		switch raw[i] {
		case ',', ':', '}', ']', ' ', '\t', '\r', '\n':
			return i
		}
		i++
	}
	return i
}

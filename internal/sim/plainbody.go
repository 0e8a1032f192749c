package sim

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

// Most bodies that nodes send are plain: an object of a few strings, integers and literals,
// without blanks and escapes. plainHash hashes these in one pass, in a tenth of the time of a
// decoder (BenchmarkBodyHash). Each message between nodes is hashed once, so eddy test carries
// a quarter more of them in a second (bench/peers/flood).

// mostMembers is how many members a plain body has at most.
const mostMembers = 16

// A member is a member of a plain body, as it is written.
type member struct{ name, value []byte }

// plainHash returns the BodyHash of a plain body, and false for any other one.
func plainHash(body []byte) (hash uint64, ok bool) {
	var array [mostMembers]member
	members, ok := plainMembers(array[:0], body)
	if !ok {
		return 0, false
	}
	var sum xxhash.Digest
	sum.Reset()
	sum.WriteString("{")
	for _, m := range members {
		if counts(m.name, 0) {
			sum.Write(m.name)
			sum.Write(m.value)
			sum.WriteString(",")
		}
	}
	sum.WriteString("}")
	return sum.Sum64(), true
}

// plainMembers appends the members of a plain body, in the order of their names.
func plainMembers(members []member, body []byte) (all []member, ok bool) {
	rest, ok := bytes.CutPrefix(body, []byte("{"))
	for ok {
		name := plainString(rest)
		if name == 0 || len(members) == mostMembers || name == len(rest) || rest[name] != ':' {
			return nil, false
		}
		m := member{name: rest[:name]}
		rest = rest[name+1:]
		value := plainValue(rest)
		if value == 0 || value == len(rest) {
			return nil, false
		}
		m.value = rest[:value]
		at := len(members)
		for at > 0 && bytes.Compare(members[at-1].name, m.name) >= 0 {
			at--
		}
		if at < len(members) && bytes.Equal(members[at].name, m.name) {
			return nil, false // given twice
		}
		members = append(members, member{})
		copy(members[at+1:], members[at:])
		members[at] = m
		end := rest[value]
		if rest = rest[value+1:]; end == '}' {
			return members, len(rest) == 0
		}
		ok = end == ','
	}
	return nil, false
}

// plainValue returns the length of the plain value that text begins with, 0 if there is none.
func plainValue(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	switch text[0] {
	case '"':
		return plainString(text)
	case 't', 'f', 'n':
		for _, literal := range [...]string{"true", "false", "null"} {
			if bytes.HasPrefix(text, []byte(literal)) {
				return len(literal)
			}
		}
		return 0
	}
	digits := 0
	for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
		digits++
	}
	if digits > 15 || digits > 1 && text[0] == '0' {
		return 0
	}
	return digits
}

// plainString returns the length of the string with its quotes that text begins with, 0 if
// there is none, or if it has a character that is escaped, or not ASCII.
func plainString(text []byte) int {
	if len(text) == 0 || text[0] != '"' {
		return 0
	}
	for i, c := range text[1:] {
		switch {
		case c == '"':
			return i + 2
		case c == '\\' || c < ' ' || c > '~':
			return 0
		}
	}
	return 0
}

package sim

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// BodyHash is a hash of a body's JSON value that ignores what differs from run to
// run: white space, the order of members, and these members:
//
//   - msg_id and in_reply_to, at any depth. A relay's reply contains another
//     node's reply with its ids. If these ids counted, two runs in which n1 sends
//     its messages in different orders would give the replies different fates.
//   - call, deadline_ms and retry, at the top level: a random id, the remaining
//     time, and a flag that differs between attempts. Bodies that differ only in
//     these members share one sequence of fates, in the order of sending.
//
// Numbers and strings are compared as they are written: 1.0 differs from 1.
func BodyHash(body []byte) uint64 {
	s := bodyScanner{text: body}
	h := s.value(0)
	if s.blanks(); s.bad || s.pos != len(body) {
		return hashBytes(body) // not JSON: every byte counts
	}
	return h
}

// counts reports whether the hash includes a member.
func counts(name []byte, depth int) bool {
	switch string(name) {
	case "msg_id", "in_reply_to":
		return false
	case "call", "deadline_ms", "retry":
		return depth > 0
	}
	return true
}

// A bodyScanner finds the members of a text that a parser has already accepted as
// JSON. It checks only where values end. It does not panic on any text.
type bodyScanner struct {
	text []byte
	pos  int
	bad  bool
}

func (s *bodyScanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	s.bad = true
	return 0
}

func (s *bodyScanner) blanks() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

const maxDepth = 10_000 // the limit of package jsontext

func (s *bodyScanner) value(depth int) uint64 {
	s.blanks()
	switch c := s.peek(); {
	case s.bad || depth > maxDepth:
		s.bad = true
		return 0
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth)
	case c == '"':
		return hashBytes(s.str())
	}
	from := s.pos
	for s.pos < len(s.text) && !isEnd(s.text[s.pos]) {
		s.pos++
	}
	s.bad = s.bad || s.pos == from
	return ^hashBytes(s.text[from:s.pos]) // inverted: 1 must differ from "1"
}

func isEnd(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ':' || c <= ' '
}

// object adds the hashes of its members, because a sum does not depend on their
// order.
func (s *bodyScanner) object(depth int) uint64 {
	h := uint64(1)
	s.pos++
	if s.blanks(); s.peek() == '}' {
		s.pos++
		return h
	}
	for !s.bad {
		if s.blanks(); s.peek() != '"' {
			s.bad = true
			return 0
		}
		name := s.str()
		if s.blanks(); s.peek() != ':' {
			s.bad = true
			return 0
		}
		s.pos++
		v := s.value(depth + 1)
		if counts(name, depth) {
			h += mix(hashBytes(name), v)
		}
		if !s.more('}') {
			break
		}
	}
	return mix(h, 0x9e3779b97f4a7c15)
}

func (s *bodyScanner) array(depth int) uint64 {
	h := uint64(2)
	s.pos++
	if s.blanks(); s.peek() == ']' {
		s.pos++
		return h
	}
	for !s.bad {
		h = mix(h, s.value(depth+1))
		if !s.more(']') {
			break
		}
	}
	return h
}

// more skips a comma, or the end of the object or array. It reports whether
// another value follows.
func (s *bodyScanner) more(end byte) bool {
	s.blanks()
	c := s.peek()
	s.pos++
	s.bad = s.bad || c != ',' && c != end
	return c == ',' && !s.bad
}

// str skips a string and returns the bytes between its quotes.
func (s *bodyScanner) str() []byte {
	from := s.pos + 1
	for at := from; ; {
		n := bytes.IndexByte(s.text[at:], '"')
		if n < 0 {
			s.bad = true
			s.pos = len(s.text)
			return nil
		}
		at += n
		escapes := 0
		for at-escapes > from && s.text[at-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			s.pos = at + 1
			return s.text[from:at]
		}
		at++
	}
}

// mix is the multiply-and-fold step of wyhash
// (https://github.com/wangyi-fudan/wyhash).
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

// hashBytes is a hash that is the same on every machine and in every run.
func hashBytes(b []byte) uint64 {
	h := uint64(len(b))
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h, binary.LittleEndian.Uint64(b))
	}
	var rest uint64
	for i, c := range b {
		rest |= uint64(c) << (8 * i)
	}
	return mix(h, rest)
}

// unit converts a hash to a number in [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

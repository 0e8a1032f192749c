package sim

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// BodyHash is a hash of a body's JSON value without what differs from run to run:
// blanks and the order of members count for nothing, nor do these members:
//
//   - msg_id and in_reply_to, at any depth. A relay's answer carries another
//     node's reply, ids and all; if those counted, two runs in which n1 had sent
//     its messages in another order would differ in the fate of the answers.
//   - call, deadline_ms and retry, at the top: a random name, what is left of a
//     deadline, and whether this is another attempt. Bodies that differ in these
//     alone share one row of fates, in the order in which they were sent.
//
// Numbers and strings count as they are written: 1.0 is not 1.
func BodyHash(body []byte) uint64 {
	s := skimmer{text: body}
	h := s.value(0)
	if s.blanks(); s.bad || s.pos != len(body) {
		return hashBytes(body) // no JSON: every byte counts
	}
	return h
}

func counts(name []byte, depth int) bool {
	switch string(name) {
	case "msg_id", "in_reply_to":
		return false
	case "call", "deadline_ms", "retry":
		return depth > 0
	}
	return true
}

// A skimmer goes over a text that somebody else has found to be JSON. It looks
// for the ends of values only and panics on no text.
type skimmer struct {
	text []byte
	pos  int
	bad  bool
}

func (s *skimmer) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	s.bad = true
	return 0
}

func (s *skimmer) blanks() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

const maxSkim = 10_000 // as deep as jsontext goes

func (s *skimmer) value(depth int) uint64 {
	s.blanks()
	switch c := s.peek(); {
	case s.bad || depth > maxSkim:
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
	return ^hashBytes(s.text[from:s.pos]) // so that 1 is not "1"
}

func isEnd(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ':' || c <= ' '
}

// object adds up its members' hashes, so that their order is of no account.
func (s *skimmer) object(depth int) uint64 {
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

func (s *skimmer) array(depth int) uint64 {
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

// more steps over a comma or the end.
func (s *skimmer) more(end byte) bool {
	s.blanks()
	c := s.peek()
	s.pos++
	s.bad = s.bad || c != ',' && c != end
	return c == ',' && !s.bad
}

// str steps over a string and returns what is between its quotes.
func (s *skimmer) str() []byte {
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

// unit makes of a hash a number from 0 up to 1, 1 excluded.
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

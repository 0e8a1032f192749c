package wire

import (
	"bytes"
	"iter"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote decodes a valid JSON string, quotes included. Without escapes the
// result is a view into raw. A lone surrogate becomes U+FFFD, as Go has no
// character for it; who must not lose it passes the raw text on.
func Unquote(raw []byte) []byte {
	in := raw[1 : len(raw)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return in
	}
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); {
		if in[i] != '\\' || i+1 == len(in) {
			out = append(out, in[i])
			i++
			continue
		}
		if in[i+1] != 'u' {
			out = append(out, unescaped[in[i+1]])
			i += 2
			continue
		}
		if i+6 > len(in) {
			break // it was not valid
		}
		r := hex4(in[i+2:])
		i += 6
		if utf16.IsSurrogate(r) && i+6 <= len(in) && in[i] == '\\' && in[i+1] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(in[i+2:])); pair != utf8.RuneError {
				r = pair
				i += 6
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

var unescaped = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func hex4(in []byte) (r rune) {
	for _, b := range in[:4] {
		switch {
		case b <= '9':
			b -= '0'
		case b >= 'a':
			b -= 'a' - 10
		default:
			b -= 'A' - 10
		}
		r = r<<4 | rune(b)
	}
	return r
}

// AppendQuote appends s as a JSON string, escaping only what must be. Bytes
// that are no UTF-8 become U+FFFD.
func AppendQuote(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[done:i]...)
				dst = append(dst, "\ufffd"...)
				done = i + 1
			}
			i += n
			continue
		}
		if b >= ' ' && b != '"' && b != '\\' {
			i++
			continue
		}
		dst = append(dst, s[done:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[b>>4], digits[b&15])
		}
		i++
		done = i
	}
	return append(append(dst, s[done:]...), '"')
}

// ParseInt reads a JSON number that is written as an integer: no fraction, no
// exponent, and within 64 bits.
func ParseInt(raw []byte) (n int64, ok bool) {
	digits := raw
	negative := len(raw) > 0 && raw[0] == '-'
	if negative {
		digits = raw[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	var u uint64 // 19 digits fit
	for _, b := range digits {
		if b < '0' || b > '9' {
			return 0, false
		}
		u = u*10 + uint64(b-'0')
	}
	switch {
	case negative && u == 1<<63:
		return -1 << 63, true
	case u >= 1<<63:
		return 0, false
	case negative:
		return -int64(u), u != 0 // -0 is no integer that a counter writes
	}
	return int64(u), true
}

// Valid tells why raw is not exactly one JSON value, blanks around it aside;
// nil if it is one.
func Valid(raw []byte) error {
	c := cursor{text: raw}
	i := c.value(c.skip(0), 1)
	if i >= 0 {
		if i = c.skip(i); i == len(raw) {
			return nil
		}
		c.fail(i, "something follows the value")
	}
	return &Error{"not JSON: " + c.why, c.at}
}

// Member is the raw value of the member called name of the object raw, which
// must be valid JSON; the last one if there are several, as with most readers
// of JSON. nil means that there is none, or that raw is no object.
func Member(raw []byte, name string) (value []byte) {
	for i := firstName(raw); i >= 0; {
		m, ok := memberAt(raw, i)
		if ok && m.is(raw, name) {
			value = raw[m.value:m.end]
		}
		i = m.next
	}
	return value
}

// Members yields the names, decoded, and the raw values of the object raw, which
// must be valid JSON, in their order; none if it is no object.
func Members[T ~[]byte](raw T) iter.Seq2[T, T] {
	return func(yield func(name, value T) bool) {
		for i := firstName(raw); i >= 0; {
			m, ok := memberAt(raw, i)
			if !ok || !yield(Unquote(raw[m.name:m.nameEnd]), raw[m.value:m.end]) {
				return
			}
			i = m.next
		}
	}
}

// Strings are the elements of the array raw, which must be valid JSON; false if
// it is no array, or not of strings alone.
func Strings(raw []byte) (all []string, ok bool) {
	c := cursor{text: raw}
	i := c.skip(0)
	if c.peek(i) != '[' {
		return nil, false
	}
	all = []string{}
	if i = c.skip(i + 1); c.peek(i) == ']' {
		return all, true
	}
	for more := true; more; {
		if c.peek(i) != '"' {
			return nil, false
		}
		end := c.str(i)
		if end < 0 {
			return nil, false
		}
		all = append(all, string(c.decode(raw[i:end])))
		i, more = c.more(end, ']')
	}
	return all, i >= 0
}

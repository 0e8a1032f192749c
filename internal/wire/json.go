package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays may nest, the envelope included.
// Without a bound one line of brackets would grow the stack of whoever reads it.
const maxDepth = 1000

// A cursor walks over one JSON text (RFC 8259) and checks every byte of it.
// The zero value with a text stands at its beginning. Its methods begin at a
// token, leave pos behind what they read (name and a true more: at the token
// that follows) and report whether that was valid; the first fault is kept in
// why, with pos at the offending byte.
type cursor struct {
	text    []byte
	pos     int
	blanks  bool // blanks were seen between tokens
	escaped bool // the string or name read last has an escape
	nulls   bool // an id may be null, which is none
	why     string
}

func (c *cursor) fail(why string) bool {
	if c.why == "" {
		c.why = why
	}
	return false
}

// peek is the byte at pos, or 0, which is valid nowhere, at the end.
func (c *cursor) peek() byte {
	if c.pos < len(c.text) {
		return c.text[c.pos]
	}
	return 0
}

// skipBlanks moves to the next token and returns its first byte.
func (c *cursor) skipBlanks() byte {
	if c.pos < len(c.text) && c.text[c.pos] > ' ' {
		return c.text[c.pos]
	}
	return c.skipSome()
}

// skipSome is the rare half of skipBlanks, apart so that the other is inlined.
func (c *cursor) skipSome() byte {
	for c.pos < len(c.text) {
		switch c.text[c.pos] {
		case ' ', '\t', '\r', '\n':
			c.blanks = true
			c.pos++
		default:
			return c.text[c.pos]
		}
	}
	return 0
}

// value reads one value of any kind that stands depth levels deep.
func (c *cursor) value(depth int) bool {
	switch b := c.peek(); {
	case b == '"':
		return c.str()
	case b == '{':
		return c.object(depth)
	case b == '[':
		return c.array(depth)
	case b == '-' || '0' <= b && b <= '9':
		return c.number()
	case b == 't':
		return c.literal("true")
	case b == 'f':
		return c.literal("false")
	case b == 'n':
		return c.literal("null")
	case b == 0 && c.pos >= len(c.text):
		return c.fail("unexpected end of the line")
	default:
		return c.fail("no JSON value begins like this")
	}
}

func (c *cursor) object(depth int) bool {
	if depth > maxDepth {
		return c.fail("nested deeper than 1,000")
	}
	c.pos++
	if c.skipBlanks() == '}' {
		c.pos++
		return true
	}
	for {
		if _, ok := c.name(); !ok || !c.value(depth+1) {
			return false
		}
		if more, ok := c.more('}'); !more {
			return ok
		}
	}
}

func (c *cursor) array(depth int) bool {
	if depth > maxDepth {
		return c.fail("nested deeper than 1,000")
	}
	c.pos++
	if c.skipBlanks() == ']' {
		c.pos++
		return true
	}
	for {
		if !c.value(depth + 1) {
			return false
		}
		if more, ok := c.more(']'); !more {
			return ok
		}
	}
}

// name reads a member's name and the colon behind it, and moves to the value.
// raw is the name with its quotes.
func (c *cursor) name() (raw []byte, ok bool) {
	if c.peek() != '"' {
		return nil, c.fail("expected a member's name in quotes")
	}
	start := c.pos
	if !c.str() {
		return nil, false
	}
	raw = c.text[start:c.pos]
	if c.skipBlanks() != ':' {
		return nil, c.fail("expected ':' behind a member's name")
	}
	c.pos++
	c.skipBlanks()
	return raw, true
}

// decode decodes the string or name that was read last.
func (c *cursor) decode(raw []byte) []byte {
	if c.escaped {
		return Unquote(raw)
	}
	return raw[1 : len(raw)-1]
}

// more reads what follows an element: a comma (more is true), or the end. Behind
// a comma it moves to the next element.
func (c *cursor) more(end byte) (more, ok bool) {
	switch c.skipBlanks() {
	case ',':
		c.pos++
		c.skipBlanks()
		return true, true
	case end:
		c.pos++
		return false, true
	}
	if end == '}' {
		return false, c.fail("expected ',' or '}' behind a member")
	}
	return false, c.fail("expected ',' or ']' behind an element")
}

func (c *cursor) literal(word string) bool {
	for i := range len(word) {
		if c.peek() != word[i] {
			return c.fail("expected " + word)
		}
		c.pos++
	}
	return true
}

// str reads a string. A lone surrogate's escape is kept: it is valid by the
// grammar, and a node that only passes a string on has no business in it.
func (c *cursor) str() bool {
	text, i := c.text, c.pos+1
	c.escaped = false
	for {
		i = plainRun(text, i)
		if i >= len(text) {
			c.pos = len(text)
			return c.fail("unexpected end of the line in a string")
		}
		switch b := text[i]; {
		case b == '"':
			c.pos = i + 1
			return true
		case b == '\\':
			n := escapeLen(text[i:])
			if n == 0 {
				c.pos = i
				return c.fail("no such escape in a string")
			}
			c.escaped = true
			i += n
		case b < ' ':
			c.pos = i
			return c.fail("control character in a string")
		default:
			if _, n := utf8.DecodeRune(text[i:]); n > 1 {
				i += n
				continue
			}
			c.pos = i
			return c.fail("invalid UTF-8")
		}
	}
}

// plainRun returns the first place from i on that is not plain ASCII inside a
// string: a quote, a backslash, a control character, or a byte over 0x7f.
func plainRun(text []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	// Eight bytes at a time, by the classic test for a zero byte in a word
	// (Warren, Hacker's Delight, 6-1). It may mark a byte wrongly only above one
	// that it marks rightly, so the lowest mark is the place.
	for i+8 <= len(text) {
		w := binary.LittleEndian.Uint64(text[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		marks := ((w - ones*' ') | (quote-ones)&^quote | (slash-ones)&^slash | w) & highs
		if marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
		i += 8
	}
	for i < len(text) {
		b := text[i]
		if b < ' ' || b == '"' || b == '\\' || b >= utf8.RuneSelf {
			break
		}
		i++
	}
	return i
}

// escapeLen is the length of the escape that text begins with, 0 if it is none.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) < 6 {
			return 0
		}
		for _, b := range text[2:6] {
			if !isHex(b) {
				return 0
			}
		}
		return 6
	}
	return 0
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func (c *cursor) number() bool {
	if c.peek() == '-' {
		c.pos++
	}
	if c.peek() == '0' {
		c.pos++
	} else if !c.digits() {
		return false
	}
	if c.peek() == '.' {
		c.pos++
		if !c.digits() {
			return false
		}
	}
	if b := c.peek(); b == 'e' || b == 'E' {
		c.pos++
		if b := c.peek(); b == '+' || b == '-' {
			c.pos++
		}
		return c.digits()
	}
	return true
}

func (c *cursor) digits() bool {
	start := c.pos
	for b := c.peek(); '0' <= b && b <= '9'; b = c.peek() {
		c.pos++
	}
	return c.pos > start || c.fail("expected a digit")
}

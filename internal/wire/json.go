package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays may nest, the envelope included.
// Without a bound one line of brackets would grow the stack of whoever reads it.
const maxDepth = 1000

// A cursor checks every byte of one JSON text (RFC 8259). Its methods are given
// the place where a token begins and return the place behind what they read
// (name and a true more: the place of the token that follows), or -1 for a fault,
// which is kept in why and at.
//
// Two things make it quick, which BenchmarkScan shows. A place is handed on, not
// kept, so that it stays in a register. And what is common stands in line: tokens
// with no blank between them, or one behind a ':' or ','; strings of up to eight
// bytes without an escape. All else is a call away.
type cursor struct {
	text    []byte
	blanks  bool // blanks were seen between tokens
	escaped bool // an escape was seen since decode was called last
	nulls   bool // an id may be null, which is none
	why     string
	at      int    // the byte at fault
	wrong   string // what blame was told first, see there
}

func (c *cursor) fail(i int, why string) int {
	c.at, c.why = i, why
	return -1
}

// peek is the byte at i, or 0, which is valid nowhere, at the end.
func (c *cursor) peek(i int) byte {
	if uint(i) < uint(len(c.text)) {
		return c.text[i]
	}
	return 0
}

// skip is the place of the next token, from i on.
func (c *cursor) skip(i int) int {
	if uint(i) < uint(len(c.text)) && c.text[i] > ' ' {
		return i
	}
	return c.skipBlanks(i)
}

// skipBlanks is the rare half of skip, apart so that the other is inlined.
//
//go:noinline
func (c *cursor) skipBlanks(i int) int {
	for {
		switch c.peek(i) {
		case ' ', '\t', '\r', '\n':
			c.blanks = true
			i++
		default:
			return i
		}
	}
}

// behind is the place of the next token if mark stands at i and no more than one
// blank behind it, 0 if that is not so simple.
func (c *cursor) behind(i int, mark byte) int {
	if text := c.text; i >= 0 && i < len(text)-2 && text[i] == mark {
		if text[i+1] > ' ' {
			return i + 1
		}
		if text[i+1] == ' ' && text[i+2] > ' ' {
			c.blanks = true
			return i + 2
		}
	}
	return 0
}

// value reads one value of any kind that stands depth levels deep.
func (c *cursor) value(i, depth int) int {
	switch b := c.peek(i); {
	case b == '"':
		if end := shortEnd(c.text, i); end > 0 {
			return end
		}
		return c.longEnd(i + 1)
	case '0' <= b && b <= '9' || b == '-':
		return c.number(i)
	case b == '{':
		return c.object(i, depth)
	case b == '[':
		return c.array(i, depth)
	case b == 't':
		return c.literal(i, "true")
	case b == 'f':
		return c.literal(i, "false")
	case b == 'n':
		return c.literal(i, "null")
	case i >= len(c.text):
		return c.fail(i, "unexpected end of the line")
	default:
		return c.fail(i, "no JSON value begins like this")
	}
}

func (c *cursor) object(i, depth int) int {
	if depth > maxDepth {
		return c.fail(i, "nested deeper than 1,000")
	}
	if i = c.skip(i + 1); c.peek(i) == '}' {
		return i + 1
	}
	for more := true; more; {
		if _, i = c.name(i); i < 0 {
			return -1
		}
		if i = c.value(i, depth+1); i < 0 {
			return -1
		}
		if next := c.behind(i, ','); next > 0 {
			i = next
			continue
		}
		i, more = c.more(i, '}')
	}
	return i
}

func (c *cursor) array(i, depth int) int {
	if depth > maxDepth {
		return c.fail(i, "nested deeper than 1,000")
	}
	if i = c.skip(i + 1); c.peek(i) == ']' {
		return i + 1
	}
	for more := true; more; {
		if i = c.value(i, depth+1); i < 0 {
			return -1
		}
		i, more = c.more(i, ']')
	}
	return i
}

// name reads a member's name, which with its quotes ends at end, and the colon
// behind it.
func (c *cursor) name(i int) (end, at int) {
	if c.peek(i) != '"' {
		return 0, c.fail(i, "expected a member's name in quotes")
	}
	if end = shortEnd(c.text, i); end < 0 {
		if end = c.longEnd(i + 1); end < 0 {
			return 0, -1
		}
	}
	if at = c.behind(end, ':'); at > 0 {
		return end, at
	}
	if at = c.skip(end); c.peek(at) != ':' {
		return 0, c.fail(at, "expected ':' behind a member's name")
	}
	return end, c.skip(at + 1)
}

// decode decodes a string or name that was read.
func (c *cursor) decode(raw []byte) []byte {
	if c.escaped {
		c.escaped = false
		return Unquote(raw)
	}
	return raw[1 : len(raw)-1]
}

// more reads what follows an element: a comma (more is true), or the end.
func (c *cursor) more(i int, end byte) (next int, more bool) {
	if c.peek(i) == end {
		return i + 1, false
	}
	i = c.skip(i)
	switch b := c.peek(i); {
	case b == end:
		return i + 1, false
	case b == ',':
		return c.skip(i + 1), true
	case end == '}':
		return c.fail(i, "expected ',' or '}' behind a member"), false
	default:
		return c.fail(i, "expected ',' or ']' behind an element"), false
	}
}

func (c *cursor) literal(i int, word string) int {
	for j := range len(word) {
		if c.peek(i+j) != word[j] {
			return c.fail(i+j, "expected "+word)
		}
	}
	return i + len(word)
}

// str reads a string. A lone surrogate's escape is kept: it is valid by the
// grammar, and a node that only passes a string on has no business in it.
func (c *cursor) str(i int) int {
	if end := shortEnd(c.text, i); end > 0 {
		return end
	}
	return c.longEnd(i + 1)
}

// shortEnd is the place behind the string that begins at i if it has at most
// eight bytes, all of them plain; else -1.
func shortEnd(text []byte, i int) int {
	if i >= 0 && i < len(text)-8 {
		i += 1 + bits.TrailingZeros64(odd(binary.LittleEndian.Uint64(text[i+1:])))/8
		if i < len(text) && text[i] == '"' {
			return i + 1
		}
	}
	return -1
}

// longEnd reads on within a string, from i on.
func (c *cursor) longEnd(i int) int {
	for {
		i = plainRun(c.text, i)
		switch b := c.peek(i); {
		case b == '"':
			return i + 1
		case i >= len(c.text):
			return c.fail(i, "unexpected end of the line in a string")
		case b == '\\':
			n := escapeLen(c.text[i:])
			if n == 0 {
				return c.fail(i, "no such escape in a string")
			}
			c.escaped = true
			i += n
		case b < ' ':
			return c.fail(i, "control character in a string")
		default:
			for c.peek(i) >= utf8.RuneSelf {
				_, n := utf8.DecodeRune(c.text[i:])
				if n == 1 {
					return c.fail(i, "invalid UTF-8")
				}
				i += n
			}
		}
	}
}

// plainRun returns the first place from i on that is not plain ASCII inside a
// string: a quote, a backslash, a control character, or a byte over 0x7f.
func plainRun(text []byte, i int) int {
	for i >= 0 && i <= len(text)-8 {
		if marks := odd(binary.LittleEndian.Uint64(text[i:])); marks != 0 {
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

// odd marks those of eight bytes that are not plain, by their highest bits. This is
// the classic test for a zero byte in a word (Warren, Hacker's Delight, 6-1). It
// may mark a byte wrongly only above one that it marks rightly, so the lowest mark
// is to be trusted.
func odd(w uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^ones*'"', w^ones*'\\'
	return ((w - ones*' ') | (quote - ones) | (slash - ones) | w) & highs
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

func (c *cursor) number(i int) int {
	if c.peek(i) == '-' {
		i++
	}
	if c.peek(i) == '0' {
		i++
	} else if i = c.digits(i); i < 0 {
		return -1
	}
	if c.peek(i) == '.' {
		if i = c.digits(i + 1); i < 0 {
			return -1
		}
	}
	if b := c.peek(i); b == 'e' || b == 'E' {
		i++
		if b := c.peek(i); b == '+' || b == '-' {
			i++
		}
		return c.digits(i)
	}
	return i
}

func (c *cursor) digits(i int) int {
	start := i
	for b := c.peek(i); '0' <= b && b <= '9'; b = c.peek(i) {
		i++
	}
	if i == start {
		return c.fail(i, "expected a digit")
	}
	return i
}

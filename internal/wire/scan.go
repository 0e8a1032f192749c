package wire

import "unicode/utf8"

// maxDepth is how deep objects and arrays may nest, the message itself included.
// Without a bound, one line of brackets could use up the memory of the stack.
const maxDepth = 1000

// A cursor checks every byte of a JSON text (RFC 8259). Each of its methods is given
// the index of a token's first byte and returns the index after what it read, or -1
// if the text is invalid.
//
// The index is passed on and not a field, so that it stays in a register
// (BenchmarkScan).
type cursor struct {
	text    []byte
	blanks  bool   // there were blanks between tokens
	escaped bool   // the string that was read last has an escape
	invalid string // why the text is invalid
	offset  int    // of the first invalid byte

	official bool  // reserved keys match without regard to case
	seen     uint8 // a bit for each reserved key
	wrongKey key   // the first reserved key with a wrong value
	wrong    string
}

// fail says why the text is invalid. Only the first reason counts.
func (c *cursor) fail(i int, why string) int {
	if c.invalid == "" {
		c.offset, c.invalid = i, why
	}
	return -1
}

// peek returns the byte at i. Outside the text it returns 0, which is not valid JSON
// anywhere.
func (c *cursor) peek(i int) byte {
	if uint(i) < uint(len(c.text)) {
		return c.text[i]
	}
	return 0
}

// skip returns the index of the first token that begins at i or later.
func (c *cursor) skip(i int) int {
	if uint(i) < uint(len(c.text)) && c.text[i] > ' ' {
		return i
	}
	return c.skipBlanks(i)
}

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

// value reads a value of any kind. depth is how deep it is nested if it is an object
// or an array.
func (c *cursor) value(i, depth int) int {
	switch b := c.peek(i); {
	case b == '"':
		return c.str(i)
	case isDigit(b) || b == '-':
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
		return c.fail(i, "expected a value")
	}
}

func (c *cursor) object(i, depth int) int {
	if depth > maxDepth {
		return c.fail(i, "nested deeper than 1,000")
	}
	if i = c.skip(i + 1); c.peek(i) == '}' {
		return i + 1
	}
	for {
		_, i = c.name(i)
		i = c.skip(c.value(i, depth+1))
		if c.peek(i) != ',' {
			return c.close(i, '}')
		}
		i = c.skip(i + 1)
	}
}

func (c *cursor) array(i, depth int) int {
	if depth > maxDepth {
		return c.fail(i, "nested deeper than 1,000")
	}
	if i = c.skip(i + 1); c.peek(i) == ']' {
		return i + 1
	}
	for {
		i = c.skip(c.value(i, depth+1))
		if c.peek(i) != ',' {
			return c.close(i, ']')
		}
		i = c.skip(i + 1)
	}
}

// close reads the bracket that ends an object or an array.
func (c *cursor) close(i int, bracket byte) int {
	switch {
	case c.peek(i) == bracket:
		return i + 1
	case bracket == '}':
		return c.fail(i, "expected ',' or '}' after a member")
	default:
		return c.fail(i, "expected ',' or ']' after an element")
	}
}

// name reads a member's name, which ends at end, and the colon after it.
func (c *cursor) name(i int) (end, value int) {
	if c.peek(i) != '"' {
		return -1, c.fail(i, "expected a member's name in quotes")
	}
	end = c.str(i)
	i = c.skip(end)
	if c.peek(i) != ':' {
		return -1, c.fail(i, "expected ':' after a member's name")
	}
	return end, c.skip(i + 1)
}

// str reads a string. The escape of a lone surrogate is valid by the grammar, and a
// node that passes a string on need not decode it.
func (c *cursor) str(i int) int {
	c.escaped = false
	i++
	for {
		i = skipPlain(c.text, i)
		switch b := c.peek(i); {
		case b == '"':
			return i + 1
		case b == '\\':
			n := escapeLen(c.text[i:])
			if n == 0 {
				return c.fail(i, "invalid escape in a string")
			}
			c.escaped = true
			i += n
		case b >= utf8.RuneSelf:
			for c.peek(i) >= utf8.RuneSelf {
				_, n := utf8.DecodeRune(c.text[i:])
				if n == 1 {
					return c.fail(i, "invalid UTF-8")
				}
				i += n
			}
		case i >= len(c.text):
			return c.fail(i, "unexpected end of the line in a string")
		default:
			return c.fail(i, "control character in a string")
		}
	}
}

// isPlain holds the bytes that stand for themselves in a string: ASCII without the
// control characters, the quote and the backslash.
var isPlain = func() (is [256]bool) {
	for b := ' '; b < utf8.RuneSelf; b++ {
		is[b] = b != '"' && b != '\\'
	}
	return is
}()

// escapeLen returns the length of the escape that text begins with, 0 if it is none.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) >= 6 && isHex(text[2]) && isHex(text[3]) && isHex(text[4]) && isHex(text[5]) {
			return 6
		}
	}
	return 0
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

// decode returns the string that was read last, without a copy if it has no escape.
func (c *cursor) decode(start, end int) []byte {
	if c.escaped {
		return Unquote(c.text[start:end])
	}
	return c.text[start+1 : end-1]
}

func (c *cursor) literal(i int, word string) int {
	for j := range len(word) {
		if c.peek(i+j) != word[j] {
			return c.fail(i+j, "expected "+word)
		}
	}
	return i + len(word)
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
	for isDigit(c.peek(i)) {
		i++
	}
	if i == start {
		return c.fail(i, "expected a digit")
	}
	return i
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// atEnd reports whether only blanks follow the object or value that was read.
func (c *cursor) atEnd(i int, what string) bool {
	if i < 0 {
		return false
	}
	if i = c.skip(i); i < len(c.text) {
		c.fail(i, "unexpected text after the "+what)
	}
	return i == len(c.text)
}

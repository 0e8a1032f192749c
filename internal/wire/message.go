// Package wire reads and writes the messages of a node, one on each line. It checks every
// byte of a line, and decodes only what the node needs.
package wire

import "fmt"

// NoID stands where a message has no such id.
const NoID = -1

// A Message is one line, read: views into it, no copies, so it lives as long
// as the line does. Names with escapes in them are the one exception.
type Message struct {
	Src, Dest []byte // decoded
	Body      Body
}

// An Error tells why a line is no message, or a JSON text no body.
type Error struct {
	Reason string
	Offset int // in bytes; -1 if the fault is not at one place
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
}

// Scan reads one line into m. It accepts just what RFC 8259 does, with three
// intended differences: it wants valid UTF-8, nesting no deeper than 1,000, and
// reserved names given at most once. On an error m holds nothing of use; what
// can still be known of such a line, Salvage knows.
func (m *Message) Scan(line []byte) error { return m.scan(line, false) }

func (m *Message) scan(line []byte, nameless bool) error {
	c := cursor{text: line, nulls: nameless}
	m.Src, m.Dest, m.Body.Raw = nil, nil, nil
	i := c.skip(0)
	if c.peek(i) != '{' {
		if err := Valid(line); err != nil {
			return err
		}
		return &Error{"not a JSON object", -1}
	}
	if !c.ends(m.members(&c, i)) {
		return &Error{"not JSON: " + c.why, c.at}
	}
	if c.wrong == "" {
		c.wrong = m.lacks(nameless)
	}
	if c.wrong != "" {
		return &Error{c.wrong, -1}
	}
	return nil
}

// ends reports whether the text ends with the object that was read up to i.
func (c *cursor) ends(i int) bool {
	if i == len(c.text) {
		return true
	}
	if i >= 0 {
		if i = c.skip(i); i < len(c.text) {
			i = c.fail(i, "something follows the object")
		}
	}
	return i >= 0
}

// members reads the envelope.
func (m *Message) members(c *cursor, i int) int {
	if i = c.skip(i + 1); c.peek(i) == '}' {
		return i + 1
	}
	for more := true; more; {
		k, at := c.key(i)
		if at < 0 {
			return -1
		}
		switch k {
		case keySrc:
			i = c.readString(at, 2, "src", &m.Src)
		case keyDest:
			i = c.readString(at, 2, "dest", &m.Dest)
		case keyBody:
			i = m.readBody(c, at)
		default:
			i = c.value(at, 2)
		}
		if i < 0 {
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

func (m *Message) readBody(c *cursor, i int) int {
	if c.peek(i) != '{' {
		c.blame("body", " must be an object")
		return c.value(i, 2)
	}
	if m.Body.Raw != nil {
		c.blame("body", " is given twice")
	}
	b := &m.Body
	end := b.scan(c, i, 2)
	if end >= 0 {
		b.Raw = c.text[i:end]
		b.Type = b.typeIn(b.Raw)
	}
	return end
}

// lacks names the first field that every message has and this one has not. A
// nameless one may lack src and dest.
func (m *Message) lacks(nameless bool) string {
	switch {
	case nameless:
	case m.Src == nil:
		return "src is missing"
	case m.Dest == nil:
		return "dest is missing"
	}
	switch {
	case m.Body.Raw == nil:
		return "body is missing"
	case m.Body.Type == nil:
		return "body.type is missing"
	case nameless:
	case len(m.Src) == 0:
		return "src is empty"
	case len(m.Dest) == 0:
		return "dest is empty"
	}
	return ""
}

// blame keeps what is wrong with the first member that is given twice or has the
// wrong type. Reading goes on behind it, since a fault in the syntax further on
// outweighs it.
func (c *cursor) blame(name, why string) {
	if c.wrong == "" {
		c.wrong = name + why
	}
}

// readString reads and decodes a reserved member that must be a string given
// once.
func (c *cursor) readString(i, depth int, name string, into *[]byte) int {
	if c.peek(i) == '"' && *into == nil {
		if end := shortEnd(c.text, i); end > 0 {
			*into = c.text[i+1 : end-1]
			return end
		}
	}
	return c.readOddString(i, depth, name, into)
}

// readOddString reads a string that is long or has escapes, or what is at fault.
func (c *cursor) readOddString(i, depth int, name string, into *[]byte) int {
	end := c.value(i, depth)
	switch {
	case end < 0:
	case *into != nil:
		c.blame(name, " is given twice")
	case c.text[i] != '"':
		c.blame(name, " must be a string")
	default:
		*into = c.decode(c.text[i:end])
	}
	return end
}

// readID reads a reserved member that must be an id given once.
func (c *cursor) readID(i, depth int, name string, into *int64) int {
	end, id := i, int64(0)
	for b := c.peek(end); '0' <= b && b <= '9'; b = c.peek(end) {
		id = 10*id + int64(b-'0')
		end++
	}
	digits, next := end-i, c.peek(end)
	if digits == 0 || digits > 18 || digits > 1 && c.text[i] == '0' || next != ',' && next != '}' || *into != NoID {
		return c.readOddID(i, depth, name, into)
	}
	*into = id
	return end
}

// readOddID reads an id of 19 digits, or with a blank behind it, or null, or what is
// at fault.
func (c *cursor) readOddID(i, depth int, name string, into *int64) int {
	end := c.value(i, depth)
	if end < 0 {
		return -1
	}
	id, ok := ParseInt(c.text[i:end])
	switch {
	case c.nulls && string(c.text[i:end]) == "null":
	case *into != NoID:
		c.blame(name, " is given twice")
	case !ok || id < 0:
		c.blame(name, " must be an integer from 0 to 9223372036854775807")
	default:
		*into = id
	}
	return end
}

// Package wire reads and writes the messages of a node, one on each line. It checks every
// byte of a line, and decodes only what the node needs.
package wire

import "fmt"

// NoID stands for an id that a message does not have.
const NoID = -1

// A Message is a line that was read. Its fields are views into the line, so it is
// valid as long as the line is. Only a name with an escape is a copy.
type Message struct {
	Src, Dest []byte // decoded
	Type      []byte // of the body, decoded
	Raw       []byte // the text of the body, braces included
	Body      Body
}

// An Error says why a line is not a message, why a text is not JSON, or why JSON is
// not a body.
type Error struct {
	Reason string
	Offset int // of the first invalid byte, or -1 if the error has no place
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
}

// Scan reads a line into m. It accepts the JSON of RFC 8259, except invalid UTF-8,
// nesting deeper than 1,000, and reserved keys that are given twice. An id that is
// null is NoID. After an error the content of m is undefined; ReadBadLine tells what
// can still be read of the line.
func (m *Message) Scan(line []byte) error { return m.scan(line, false) }

// scan is Scan. If official is true, src and dest may be missing.
func (m *Message) scan(line []byte, official bool) error {
	c := cursor{text: line}
	m.Src, m.Dest, m.Raw = nil, nil, nil
	i := c.skip(0)
	if c.peek(i) != '{' {
		if err := Valid(line); err != nil {
			return err
		}
		return &Error{"not a JSON object", -1}
	}
	if !c.atEnd(m.members(&c, i), "object") || c.wrong != "" {
		return c.err()
	}
	if missing := m.missing(official); missing != "" {
		return &Error{missing, -1}
	}
	return nil
}

// members reads the object that begins at i.
func (m *Message) members(c *cursor, i int) (end int) {
	if i = c.skip(i + 1); c.peek(i) == '}' {
		return i + 1
	}
	for {
		k, value := c.key(i)
		switch k {
		case keySrc:
			m.Src, i = c.readString(k, value, bodyDepth)
		case keyDest:
			m.Dest, i = c.readString(k, value, bodyDepth)
		case keyBody:
			i = m.readBody(c, value)
		default:
			i = c.value(value, bodyDepth)
		}
		i = c.skip(i)
		if c.peek(i) != ',' {
			return c.close(i, '}')
		}
		i = c.skip(i + 1)
	}
}

func (m *Message) readBody(c *cursor, i int) (end int) {
	c.once(keyBody)
	if c.peek(i) != '{' {
		c.refuse(keyBody, "must be an object")
		return c.value(i, bodyDepth)
	}
	if end = m.Body.scan(c, i); end >= 0 {
		m.Raw = c.text[i:end]
		m.Type = m.Body.Type(m.Raw)
	}
	return end
}

// missing says which key is missing or empty that every message has, "" if there is
// none.
func (m *Message) missing(official bool) string {
	switch {
	case m.Src == nil && !official:
		return "src is missing"
	case m.Dest == nil && !official:
		return "dest is missing"
	case m.Raw == nil:
		return "body is missing"
	case m.Type == nil:
		return "body.type is missing"
	case len(m.Src) == 0 && !official:
		return "src is empty"
	case len(m.Dest) == 0 && !official:
		return "dest is empty"
	}
	return ""
}

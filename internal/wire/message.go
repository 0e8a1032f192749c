package wire

import (
	"fmt"
	"slices"
)

// NoID stands where a message has no such id.
const NoID = -1

// A Message is one line, read: views into it, no copies, so it lives as long
// as the line does. Names with escapes in them are the one exception.
type Message struct {
	Src, Dest []byte // decoded
	Body      Body
}

// A Body is a message's body: one JSON object, whose reserved members (type,
// msg_id, in_reply_to) have been read and whose own fields stay raw.
type Body struct {
	Raw       []byte // the object, braces included
	Type      []byte // decoded
	ID        int64  // msg_id, from 0 to 2^63-1, or NoID
	InReplyTo int64  // in_reply_to, likewise

	rawType  []byte  // as it came, quotes included; nil if there was none
	reserved [3]span // the reserved members in the order they came, within Raw
	count    int     // how many of them there are
	blanks   bool    // Raw has blanks between tokens

	HasTerms bool // it has a member named Call, Deadline or Retry
}

// The terms of a call are the members of a request's body by which its caller tells of the call:
// which one it is, how long it still waits, and whether this is a second attempt.
const (
	Call     = "call"
	Deadline = "deadline_ms"
	Retry    = "retry"
)

type span struct{ start, end int }

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
	*m = Message{Body: Body{ID: NoID, InReplyTo: NoID}}
	if c.skipBlanks() != '{' {
		if err := Valid(line); err != nil {
			return err
		}
		return &Error{"not a JSON object", -1}
	}
	wrong, ok := m.members(&c)
	if ok {
		c.skipBlanks()
		if c.pos < len(line) {
			ok = c.fail("something follows the object")
		}
	}
	if !ok {
		return &Error{"not JSON: " + c.why, c.pos}
	}
	if wrong == "" {
		wrong = m.lacks(nameless)
	}
	if wrong != "" {
		return &Error{wrong, -1}
	}
	return nil
}

// members reads the envelope. wrong is the first member that is given twice or
// has the wrong type; reading goes on behind it, since a fault in the syntax
// further on outweighs it.
func (m *Message) members(c *cursor) (wrong string, ok bool) {
	c.pos++
	if c.skipBlanks() == '}' {
		c.pos++
		return "", true
	}
	for {
		name, ok := c.name()
		if !ok {
			return wrong, false
		}
		w, ok := m.member(c, c.decode(name))
		if !ok {
			return wrong, false
		}
		if wrong == "" {
			wrong = w
		}
		if more, ok := c.more('}'); !more {
			return wrong, ok
		}
	}
}

// member reads the value of one member of the envelope.
func (m *Message) member(c *cursor, name []byte) (wrong string, ok bool) {
	at := c.pos
	switch string(name) {
	case "src":
		if ok = c.value(2); ok {
			wrong = readString(c, "src", &m.Src, c.text[at:c.pos])
		}
	case "dest":
		if ok = c.value(2); ok {
			wrong = readString(c, "dest", &m.Dest, c.text[at:c.pos])
		}
	case "body":
		again := m.Body.Raw != nil
		if c.peek() != '{' {
			return "body must be an object", c.value(2)
		}
		if wrong, ok = m.Body.scan(c, 2); again {
			wrong = "body is given twice"
		}
	default:
		ok = c.value(2)
	}
	return wrong, ok
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

// readString decodes a reserved member, just read, that must be a string given
// once.
func readString(c *cursor, name string, into *[]byte, raw []byte) (wrong string) {
	switch {
	case *into != nil:
		return name + " is given twice"
	case raw[0] != '"':
		return name + " must be a string"
	}
	*into = c.decode(raw)
	return ""
}

// Scan reads a body that a user handed over. It may lack a type. Its own ids
// will be replaced, so whatever they are they do no harm.
func (b *Body) Scan(raw []byte) error {
	wrong, err := b.scanAll(raw)
	if wrong != "" {
		wrong, err = b.scanAll(Without(raw, "msg_id", "in_reply_to"))
	}
	if wrong != "" {
		return &Error{wrong, -1}
	}
	return err
}

func (b *Body) scanAll(raw []byte) (wrong string, err error) {
	c := cursor{text: raw}
	if c.skipBlanks() != '{' {
		return "", &Error{"a body must be a JSON object", -1}
	}
	wrong, ok := b.scan(&c, 2)
	if ok {
		c.skipBlanks()
		if c.pos < len(raw) {
			ok = c.fail("something follows the object")
		}
	}
	if !ok {
		return "", &Error{"not JSON: " + c.why, c.pos}
	}
	return wrong, nil
}

// Without is an object, which must be valid, without the members of some names,
// however often they are given.
func Without(object []byte, names ...string) []byte {
	c := cursor{text: object}
	c.skipBlanks()
	c.pos++
	c.skipBlanks()
	rest := make([]byte, 0, len(object))
	for more := true; more; more, _ = c.more('}') {
		start := c.pos
		raw, _ := c.name()
		name := string(c.decode(raw))
		c.value(0)
		if !slices.Contains(names, name) {
			rest = append(append(rest, ','), object[start:c.pos]...)
		}
	}
	if len(rest) == 0 {
		return []byte("{}")
	}
	rest[0] = '{'
	return append(rest, '}')
}

// scan reads the object that the cursor stands at.
func (b *Body) scan(c *cursor, depth int) (wrong string, ok bool) {
	*b = Body{ID: NoID, InReplyTo: NoID}
	c.blanks = false
	from := c.pos
	c.pos++
	if c.skipBlanks() == '}' {
		c.pos++
		b.Raw = c.text[from:c.pos]
		return "", true
	}
	for {
		start := c.pos
		raw, ok := c.name()
		if !ok {
			return wrong, false
		}
		name := c.decode(raw)
		at := c.pos
		if !c.value(depth + 1) {
			return wrong, false
		}
		switch kindOf(name) {
		case reserved:
			w := b.reserve(c, name, c.text[at:c.pos], span{start - from, c.pos - from})
			if wrong == "" {
				wrong = w
			}
		case term:
			b.HasTerms = true
		}
		if more, ok := c.more('}'); !more {
			b.Raw, b.blanks = c.text[from:c.pos], c.blanks
			return wrong, ok
		}
	}
}

// A kind is what a member of a body is to us.
type kind uint8

const (
	own kind = iota
	reserved
	term
)

func kindOf(name []byte) kind {
	switch string(name) {
	case "type", "msg_id", "in_reply_to":
		return reserved
	case Call, Deadline, Retry:
		return term
	}
	return own
}

// reserve takes in one reserved member that was just read.
func (b *Body) reserve(c *cursor, name, value []byte, at span) (wrong string) {
	switch string(name) {
	case "type":
		if wrong = readString(c, "body.type", &b.Type, value); wrong == "" {
			b.rawType = value
		}
	case "msg_id":
		wrong = readID(c, "body.msg_id", &b.ID, value)
	case "in_reply_to":
		wrong = readID(c, "body.in_reply_to", &b.InReplyTo, value)
	}
	if b.count < len(b.reserved) {
		b.reserved[b.count] = at
		b.count++
	}
	return wrong
}

func readID(c *cursor, name string, into *int64, value []byte) (wrong string) {
	if c.nulls && string(value) == "null" {
		return ""
	}
	if *into != NoID {
		return name + " is given twice"
	}
	id, ok := ParseInt(value)
	if !ok || id < 0 {
		return name + " must be an integer from 0 to 9223372036854775807"
	}
	*into = id
	return ""
}

package wire

import (
	"fmt"
	"slices"
	"strings"
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

	rawType  span    // the type as it came, quotes included, within Raw
	reserved [3]span // the reserved members in the order they came, within Raw
	count    int     // how many of them there are
	blanks   bool    // Raw has blanks between tokens
	escaped  bool    // the type has an escape

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

// ReadBody reads a body that a user handed over. It may lack a type. Its own ids
// will be replaced, so whatever they are they do no harm.
//
// What scans a body keeps places, not views, so that raw may stand on the caller's
// stack (cmd/relay, BenchmarkRelay).
func ReadBody(raw []byte) (b Body, err error) {
	from, end, wrong, err := b.scanAll(raw)
	if wrong != "" {
		raw = Without(raw, "msg_id", "in_reply_to")
		from, end, wrong, err = b.scanAll(raw)
	}
	switch {
	case wrong != "":
		return b, &Error{wrong, -1}
	case err != nil:
		return b, err
	}
	b.Raw = raw[from:end]
	b.Type = b.typeIn(b.Raw)
	return b, nil
}

// scanAll reads the object that is all there is in raw but for blanks.
func (b *Body) scanAll(raw []byte) (from, end int, wrong string, err error) {
	c := cursor{text: raw}
	from = c.skip(0)
	if c.peek(from) != '{' {
		return 0, 0, "", &Error{"a body must be a JSON object", -1}
	}
	end = b.scan(&c, from, 2)
	if !c.ends(end) {
		return 0, 0, "", &Error{"not JSON: " + c.why, c.at}
	}
	return from, end, strings.Clone(c.wrong), nil // or raw would escape with it
}

// Without is an object, which must be valid, without the members of some names,
// however often they are given.
func Without(object []byte, names ...string) []byte {
	c := cursor{text: object}
	rest := make([]byte, 0, len(object))
	i := c.skip(c.skip(0) + 1)
	for more := true; more; {
		start := i
		nameEnd, at := c.name(i)
		name := c.decode(object[i:nameEnd])
		i = c.value(at, 0)
		if !slices.Contains(names, string(name)) {
			rest = append(append(rest, ','), object[start:i]...)
		}
		i, more = c.more(i, '}')
	}
	if len(rest) == 0 {
		return []byte("{}")
	}
	rest[0] = '{'
	return append(rest, '}')
}

// scan reads the object that begins at i. Raw and Type are left to who has its text.
func (b *Body) scan(c *cursor, i, depth int) int {
	b.rawType, b.escaped = span{}, false
	b.ID, b.InReplyTo = NoID, NoID
	b.count, b.blanks, b.HasTerms = 0, false, false
	c.blanks = false
	from := i
	if i = c.skip(i + 1); c.peek(i) == '}' {
		return i + 1
	}
	for more := true; more; {
		start := i
		k, at := c.key(i)
		if at < 0 {
			return -1
		}
		switch k {
		case keyType:
			i = b.readType(c, at, from, depth+1)
			b.reserve(start-from, i-from)
		case keyID:
			i = c.readID(at, depth+1, "body.msg_id", &b.ID)
			b.reserve(start-from, i-from)
		case keyInReplyTo:
			i = c.readID(at, depth+1, "body.in_reply_to", &b.InReplyTo)
			b.reserve(start-from, i-from)
		default:
			b.HasTerms = b.HasTerms || k == keyTerm
			i = c.value(at, depth+1)
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
	b.blanks = c.blanks
	return i
}

// readType reads the type of the object that begins at from.
func (b *Body) readType(c *cursor, i, from, depth int) int {
	if c.peek(i) == '"' && b.rawType.end == 0 {
		if end := shortEnd(c.text, i); end > 0 {
			b.rawType = span{i - from, end - from}
			return end
		}
	}
	c.escaped = false
	end := c.value(i, depth)
	switch {
	case end < 0:
	case b.rawType.end > 0:
		c.blame("body.type", " is given twice")
	case c.text[i] != '"':
		c.blame("body.type", " must be a string")
	default:
		b.rawType, b.escaped = span{i - from, end - from}, c.escaped
	}
	return end
}

// typeIn is the decoded type in the object, nil if it has none.
func (b *Body) typeIn(raw []byte) []byte {
	if b.rawType.end == 0 {
		return nil
	}
	quoted := raw[b.rawType.start:b.rawType.end]
	if b.escaped {
		return Unquote(quoted)
	}
	return quoted[1 : len(quoted)-1]
}

// reserve keeps the place of a reserved member that was just read.
func (b *Body) reserve(start, end int) {
	if b.count < len(b.reserved) {
		b.reserved[b.count] = span{start, end}
		b.count++
	}
}

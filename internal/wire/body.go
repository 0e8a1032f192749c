package wire

import (
	"slices"
	"strings"
)

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

	HasMetadata bool // it has a member named Call, Deadline or Retry
}

// The metadata of a request are the members of its body that tell of the call: which
// one it is, how long its caller still waits, and whether this is a retry.
const (
	Call     = "call"
	Deadline = "deadline_ms"
	Retry    = "retry"
)

type span struct{ start, end int }

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
	b.count, b.blanks, b.HasMetadata = 0, false, false
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
			b.HasMetadata = b.HasMetadata || k == keyMetadata
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

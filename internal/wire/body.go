package wire

// A Body says what the body of a message, one JSON object, holds. Its reserved keys (type,
// msg_id and in_reply_to) have been read. Its own fields, which are all others, stay encoded.
//
// A Body has no view into the text of the object, so that the text may be memory of the
// caller's stack.
type Body struct {
	ID        int64 // msg_id, from 0 to 2^63-1, or NoID
	InReplyTo int64 // in_reply_to, likewise

	// HasMetadata tells whether there is a field named Call, Deadline or Retry.
	HasMetadata bool

	typ     span // the encoded type; empty if there is none
	escaped bool // the type has an escape
	blanks  bool // there are blanks between tokens

	// own[:count] are the own fields: what stands before, between and after the
	// reserved keys, of which there are at most three.
	own   [4]span
	count int
}

// The request metadata are fields that describe the call which a request was sent
// for: its call id, how many milliseconds its caller still waits, and whether this is
// a retry.
const (
	Call     = "call"
	Deadline = "deadline_ms"
	Retry    = "retry"
)

// A span is the part text[start:end] of the text of a body.
type span struct{ start, end int }

// bodyDepth is how deep a body stands: it is an object in an object.
const bodyDepth = 2

// Read reads a body that a user hands over, and returns the text that b is about. It may
// lack a type. Its ids may be anything, since the node replaces them.
func (b *Body) Read(raw []byte) (text []byte, err error) {
	c := cursor{text: raw}
	start, end, err := b.read(&c)
	if c.wrongKey == keyID || c.wrongKey == keyInReplyTo {
		raw = Without(raw, "msg_id", "in_reply_to")
		c = cursor{text: raw}
		start, end, err = b.read(&c)
	}
	if err != nil {
		return nil, err
	}
	return raw[start:end], nil
}

// read reads the object that is all that the text holds, and returns where it stands.
func (b *Body) read(c *cursor) (start, end int, err error) {
	start = c.skip(0)
	if c.peek(start) != '{' {
		return 0, 0, &Error{"a body must be a JSON object", -1}
	}
	end = b.scan(c, start)
	if !c.atEnd(end, "object") {
		c.wrongKey = 0 // bad syntax is worse than a bad id
	}
	return start, end, c.err()
}

// scan reads the object that begins at from.
func (b *Body) scan(c *cursor, from int) (end int) {
	*b = Body{ID: NoID, InReplyTo: NoID}
	c.blanks = false
	i := c.skip(from + 1)
	if c.peek(i) == '}' {
		return i + 1
	}
	afterOwn := false
	for {
		start := i
		k, value := c.key(i)
		switch k {
		case keyType:
			if _, i = c.readString(k, value, bodyDepth+1); c.peek(value) == '"' {
				b.typ, b.escaped = span{value - from, i - from}, c.escaped
			}
			afterOwn = false
		case keyID:
			b.ID, i = c.readID(k, value, bodyDepth+1)
			afterOwn = false
		case keyInReplyTo:
			b.InReplyTo, i = c.readID(k, value, bodyDepth+1)
			afterOwn = false
		default:
			b.HasMetadata = b.HasMetadata || k == keyMetadata
			i = c.value(value, bodyDepth+1)
			b.addOwn(span{start - from, i - from}, afterOwn)
			afterOwn = true
		}
		i = c.skip(i)
		if c.peek(i) != ',' {
			b.blanks = c.blanks
			return c.close(i, '}')
		}
		i = c.skip(i + 1)
	}
}

// addOwn adds a field of the body's own. If the member before it is one too, they
// share a span. A span too many means that a reserved key is given twice, so that the
// body is refused.
func (b *Body) addOwn(field span, afterOwn bool) {
	if !afterOwn && b.count < len(b.own) {
		b.own[b.count].start = field.start
		b.count++
	}
	b.own[b.count-1].end = field.end
}

// HasType reports whether the body has a type.
func (b *Body) HasType() bool { return b.typ.end > 0 }

// Type returns the decoded type of the body with this text, nil if there is none.
func (b *Body) Type(text []byte) []byte {
	if !b.HasType() {
		return nil
	}
	encoded := text[b.typ.start:b.typ.end]
	if b.escaped {
		return Unquote(encoded)
	}
	return encoded[1 : len(encoded)-1]
}

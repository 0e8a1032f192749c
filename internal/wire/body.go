package wire

// A Body is the body of a message: one JSON object. Its reserved keys (type, msg_id
// and in_reply_to) have been read. Its own fields, which are all others, are encoded.
type Body struct {
	Raw       []byte // the object, braces included
	Type      []byte // decoded; nil if there is none
	ID        int64  // msg_id, from 0 to 2^63-1, or NoID
	InReplyTo int64  // in_reply_to, likewise

	// HasMetadata tells whether there is a field named Call, Deadline or Retry.
	HasMetadata bool

	rawType span // the encoded type; empty if there is none
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

// A span is the part Raw[start:end] of a body.
type span struct{ start, end int }

// bodyDepth is how deep a body stands: it is an object in an object.
const bodyDepth = 2

// ReadBody reads a body that a user hands over. It may lack a type. Its ids may be
// anything, since the node replaces them. The result has views into raw. raw may be
// memory of the caller's stack: it does not escape.
func ReadBody(raw []byte) (b Body, err error) {
	c := cursor{text: raw}
	start, end, err := b.read(&c)
	if c.wrongKey == keyID || c.wrongKey == keyInReplyTo {
		raw = Without(raw, "msg_id", "in_reply_to")
		c = cursor{text: raw}
		start, end, err = b.read(&c)
	}
	if err != nil {
		return b, err
	}
	b.Raw = raw[start:end]
	b.Type = b.typeIn(b.Raw)
	return b, nil
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

// scan reads the object that begins at from, except Raw and Type. A view that is
// stored through a pointer would make the text escape (ReadBody), a span does not.
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
				b.rawType, b.escaped = span{value - from, i - from}, c.escaped
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
			if k > keyFolded {
				i = b.readFolded(c, k, from, value)
			} else {
				i = c.value(value, bodyDepth+1)
			}
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

// typeIn returns the decoded type of the body whose text is raw, or nil.
func (b *Body) typeIn(raw []byte) []byte {
	if b.rawType.end == 0 {
		return nil
	}
	encoded := raw[b.rawType.start:b.rawType.end]
	if b.escaped {
		return Unquote(encoded)
	}
	return encoded[1 : len(encoded)-1]
}

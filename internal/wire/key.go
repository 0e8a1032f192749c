package wire

// A key is what the name of a member, in a message or in its body, means to a node.
type key uint8

const (
	keyOwn key = iota // nothing: the field belongs to the type of the message
	keySrc
	keyDest
	keyBody
	keyType
	keyID
	keyInReplyTo
	keyMetadata // Call, Deadline or Retry
)

// keyNames are the reserved keys as errors name them.
var keyNames = [...]string{
	keySrc: "src", keyDest: "dest", keyBody: "body",
	keyType: "body.type", keyID: "body.msg_id", keyInReplyTo: "body.in_reply_to",
}

// key reads a member's name and the colon after it. The value begins at value.
//
// Half of a small message's strings are reserved keys. So key first compares these,
// with quotes and colon, before it looks where the name ends (BenchmarkScan). The rest
// of the function reads reserved keys too, so this can be removed.
func (c *cursor) key(i int) (k key, value int) {
	if rest := c.text[i:]; len(rest) > 14 {
		switch {
		case string(rest[:6]) == `"src":`:
			return keySrc, c.skip(i + 6)
		case string(rest[:7]) == `"dest":`:
			return keyDest, c.skip(i + 7)
		case string(rest[:7]) == `"body":`:
			return keyBody, c.skip(i + 7)
		case string(rest[:7]) == `"type":`:
			return keyType, c.skip(i + 7)
		case string(rest[:9]) == `"msg_id":`:
			return keyID, c.skip(i + 9)
		case string(rest[:14]) == `"in_reply_to":`:
			return keyInReplyTo, c.skip(i + 14)
		}
	}
	end, value := c.name(i)
	if value < 0 {
		return keyOwn, -1
	}
	return keyOf(c.decode(i, end)), value
}

func keyOf(name []byte) key {
	switch string(name) {
	case "src":
		return keySrc
	case "dest":
		return keyDest
	case "body":
		return keyBody
	case "type":
		return keyType
	case "msg_id":
		return keyID
	case "in_reply_to":
		return keyInReplyTo
	case Call, Deadline, Retry:
		return keyMetadata
	}
	return keyOwn
}

// readString reads the value of a reserved key, which must be a string.
func (c *cursor) readString(k key, i, depth int) (decoded []byte, end int) {
	c.once(k)
	if c.peek(i) != '"' {
		c.refuse(k, "must be a string")
		return nil, c.value(i, depth)
	}
	if end = c.str(i); end < 0 {
		return nil, -1
	}
	return c.decode(i, end), end
}

// readID reads the value of a reserved key, which must be an id. null means no id.
func (c *cursor) readID(k key, i, depth int) (id int64, end int) {
	c.once(k)
	for end = i; isDigit(c.peek(end)) && end < i+18; end++ { // 18 digits fit
		id = id*10 + int64(c.text[end]-'0')
	}
	if next := c.peek(end); end > i && c.text[i] != '0' && (next == ',' || next == '}') {
		return id, end
	}
	return c.readOtherID(k, i, depth)
}

// readOtherID is readID for values that are not the usual ones.
func (c *cursor) readOtherID(k key, i, depth int) (id int64, end int) {
	if end = c.value(i, depth); end < 0 {
		return NoID, -1
	}
	raw := c.text[i:end]
	id, ok := ParseInt(raw)
	if ok && id >= 0 {
		return id, end
	}
	if string(raw) != "null" {
		c.refuse(k, "must be an integer from 0 to 9223372036854775807")
	}
	return NoID, end
}

// once refuses a reserved key that is given twice.
func (c *cursor) once(k key) {
	if c.seen>>k&1 != 0 {
		c.refuse(k, "is given twice")
	}
	c.seen |= 1 << k
}

// refuse keeps what is wrong with a reserved key, unless another was wrong before.
// The cursor reads on: if the text turns out not to be JSON, that is the error.
func (c *cursor) refuse(k key, why string) {
	if c.wrong == "" {
		c.wrongKey, c.wrong = k, why
	}
}

// err returns why the text is not JSON, or what is wrong with a reserved key, or nil.
func (c *cursor) err() error {
	switch {
	case c.invalid != "":
		return &Error{"not JSON: " + c.invalid, c.offset}
	case c.wrong != "":
		return &Error{keyNames[c.wrongKey] + " " + c.wrong, -1}
	}
	return nil
}

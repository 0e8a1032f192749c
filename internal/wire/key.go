package wire

// A key is what the name of a member, in the envelope or in a body, means to us.
type key uint8

const (
	keyOwn key = iota // nothing
	keySrc
	keyDest
	keyBody
	keyType
	keyID
	keyInReplyTo
	keyMetadata // Call, Deadline or Retry
)

// key reads a member's name and the colon behind it.
//
// It compares the reserved names at once, quotes and all, and so need not first
// look for their end: half of a small message's strings are such names
// (BenchmarkScan).
func (c *cursor) key(i int) (k key, at int) {
	if text := c.text; i >= 0 && i <= len(text)-10 {
		colon := 0
		switch string(text[i : i+6]) {
		case `"src":`:
			k, colon = keySrc, i+5
		case `"dest"`:
			k, colon = keyDest, i+6
		case `"body"`:
			k, colon = keyBody, i+6
		case `"type"`:
			k, colon = keyType, i+6
		case `"msg_i`:
			if string(text[i+6:i+8]) == `d"` {
				k, colon = keyID, i+8
			}
		case `"in_re`:
			if i <= len(text)-15 && string(text[i+6:i+13]) == `ply_to"` {
				k, colon = keyInReplyTo, i+13
			}
		}
		if k != keyOwn {
			if at = c.behind(colon, ':'); at > 0 {
				return k, at
			}
		}
	}
	end, at := c.name(i)
	if at < 0 {
		return 0, -1
	}
	return keyOf(c.decode(c.text[i:end])), at
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

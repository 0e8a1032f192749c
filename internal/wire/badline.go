package wire

import "unicode/utf8"

// A BadLine is what can be read of a line that is not a message. It lets a node reply
// with an error to the sender of a broken request, who waits for a reply.
type BadLine struct {
	Src, Dest string // "" if unknown
	ID        int64  // msg_id, or NoID if unknown
	Reply     bool   // there is an in_reply_to other than null
}

// Answerable reports whether the line is a request that a node can reply to. Nothing
// else gets a reply: two nodes that reply to each other's errors would never stop.
func (b BadLine) Answerable() bool {
	return b.Src != "" && b.ID != NoID && !b.Reply
}

// ReadBadLine reads what it can. It follows strings and brackets and ignores all other
// rules of JSON. A reserved key that is given twice counts as unknown.
func ReadBadLine(line []byte) BadLine {
	var src, dest, id []byte
	depth, bodies, inBody, reply := 0, 0, false, false
	for i := 0; i < len(line); {
		switch line[i] {
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			inBody = inBody && depth >= bodyDepth
			i++
			continue
		case '"':
		default:
			i++
			continue
		}
		end := stringEnd(line, i)
		name := decodeString(line[i:end])
		value, isName := valueAfter(line, end)
		i = end
		if !isName {
			continue
		}
		switch {
		case depth == 1 && name == "src":
			src = onlyOne(src, token(line, value))
		case depth == 1 && name == "dest":
			dest = onlyOne(dest, token(line, value))
		case depth == 1 && name == "body":
			bodies++
			inBody = value < len(line) && line[value] == '{'
		case depth == bodyDepth && inBody && name == "msg_id":
			id = onlyOne(id, token(line, value))
		case depth == bodyDepth && inBody && name == "in_reply_to":
			reply = reply || string(token(line, value)) != "null"
		}
		i = value
	}
	b := BadLine{Src: decodeString(src), Dest: decodeString(dest), ID: NoID, Reply: reply}
	if n, ok := ParseInt(id); ok && n >= 0 && bodies == 1 {
		b.ID = n
	}
	return b
}

// onlyOne returns the token of a key, or an empty token if the key had one before.
func onlyOne(have, token []byte) []byte {
	if have != nil {
		return []byte{}
	}
	return token
}

// decodeString decodes a token, "" if it is not a valid string.
func decodeString(token []byte) string {
	c := cursor{text: token}
	if c.peek(0) != '"' || c.str(0) != len(token) {
		return ""
	}
	return string(c.decode(0, len(token)))
}

// stringEnd returns the index after the string that begins at i, which need not be
// valid.
func stringEnd(line []byte, i int) int {
	for i = skipPlain(line, i+1); i < len(line); i = skipPlain(line, i+1) {
		switch line[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		default:
			for i+1 < len(line) && line[i+1] >= utf8.RuneSelf {
				i++
			}
		}
	}
	return len(line)
}

// valueAfter returns where the value begins after a name that ends at i. If the line
// was cut after the name, the value is empty. isName is false after any other string.
func valueAfter(line []byte, i int) (value int, isName bool) {
	c := cursor{text: line}
	if i = c.skip(i); i == len(line) {
		return i, true
	}
	return c.skip(i + 1), line[i] == ':'
}

// token returns the string, number or literal that begins at i, nothing if it is
// another value. At the end of the line it returns nothing either: the line may have
// been cut, and the token be the beginning of a longer one.
func token(line []byte, i int) []byte {
	if i < len(line) && line[i] == '"' {
		return line[i:stringEnd(line, i)]
	}
	for end := i; end < len(line); end++ {
		switch line[end] {
		case ',', '}', ']', '{', '[', '"', ' ', '\t', '\r', '\n':
			return line[i:end]
		}
	}
	return []byte{}
}

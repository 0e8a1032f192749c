package wire

import "bytes"

// A Salvage is what can still be read of a line that is no message, so that
// whoever sent a broken request learns it instead of waiting.
type Salvage struct {
	Src, Dest string // "" if it can't be told
	ID        int64  // msg_id, or NoID if it can't be told
	Reply     bool   // an in_reply_to was seen, of whatever kind
}

// Answerable reports whether the line was a request that can be answered.
// Nothing else may be: two nodes that answer each other's errors never stop.
func (s Salvage) Answerable() bool {
	return s.Src != "" && s.ID != NoID && !s.Reply
}

// SalvageLine reads what it can: it follows strings and brackets and ignores all
// other rules. A reserved name that is given twice is not believed either time.
func SalvageLine(line []byte) Salvage {
	var src, dest, id []byte
	depth, bodies, inBody, reply := 0, 0, false, false
	for i := 0; i < len(line); {
		switch line[i] {
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			inBody = inBody && depth >= 2
			i++
		case '"':
			end := stringEnd(line, i)
			value, isName := valueBehind(line, end)
			name := asString(line[i:end])
			if !isName && !(end == len(line) && name == "in_reply_to") { // cut behind the name
				i = end
				continue
			}
			switch {
			case depth == 1 && name == "src":
				src = once(src, token(line, value))
			case depth == 1 && name == "dest":
				dest = once(dest, token(line, value))
			case depth == 1 && name == "body":
				bodies++
				inBody = value < len(line) && line[value] == '{'
			case depth == 2 && inBody && name == "msg_id":
				id = once(id, token(line, value))
			case depth == 2 && inBody && name == "in_reply_to":
				reply = true
			}
			i = max(value, end)
		default:
			i++
		}
	}
	s := Salvage{Src: asString(src), Dest: asString(dest), ID: NoID, Reply: reply}
	if n, ok := ParseInt(id); ok && n >= 0 && bodies == 1 {
		s.ID = n
	}
	return s
}

// once keeps the first token, and spoils it if there is a second.
func once(have, token []byte) []byte {
	if have != nil {
		return []byte{}
	}
	return token
}

func asString(token []byte) string {
	c := cursor{text: token}
	if len(token) == 0 || token[0] != '"' || c.str(0) != len(token) {
		return ""
	}
	return string(Unquote(token))
}

// stringEnd is the place behind the string that begins at i, valid or not.
func stringEnd(line []byte, i int) int {
	for from := i + 1; from < len(line); {
		n := bytes.IndexByte(line[from:], '"')
		if n < 0 {
			break
		}
		quote, escapes := from+n, 0
		for line[quote-1-escapes] == '\\' && quote-1-escapes > i {
			escapes++
		}
		if from = quote + 1; escapes%2 == 0 {
			return from
		}
	}
	return len(line)
}

// valueBehind is where the value begins if a colon follows at i.
func valueBehind(line []byte, i int) (at int, isName bool) {
	c := cursor{text: line}
	if i = c.skip(i); c.peek(i) != ':' {
		return 0, false
	}
	return c.skip(i + 1), true
}

// token is the string or the run of other bytes that begins at i.
func token(line []byte, i int) []byte {
	if i < len(line) && line[i] == '"' {
		return line[i:stringEnd(line, i)]
	}
	end := i
	for end < len(line) {
		switch line[end] {
		case ',', '}', ']', '{', '[', '"', ' ', '\t', '\r', '\n':
			return line[i:end]
		}
		end++
	}
	// The line was cut here: this may be the beginning of a longer number.
	return []byte{}
}

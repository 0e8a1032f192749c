package wire

// ParseInt reads a JSON number that is written as an integer: without fraction or
// exponent, and within 64 bits. -0 is not one.
func ParseInt(raw []byte) (n int64, ok bool) {
	digits := raw
	negative := len(raw) > 0 && raw[0] == '-'
	if negative {
		digits = raw[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	var u uint64 // 19 digits fit
	for _, b := range digits {
		if !isDigit(b) {
			return 0, false
		}
		u = u*10 + uint64(b-'0')
	}
	switch {
	case negative && u == 1<<63:
		return -1 << 63, true
	case u >= 1<<63:
		return 0, false
	case negative:
		return -int64(u), u != 0
	}
	return int64(u), true
}

// Valid returns an error unless raw is one JSON value, with or without blanks around
// it.
func Valid(raw []byte) error {
	c := cursor{text: raw}
	c.atEnd(c.value(c.skip(0), 1), "value")
	return c.err()
}

// Strings returns the decoded elements of an array, which must be valid JSON. ok is
// false if the text is not an array, or if an element is not a string.
func Strings(array []byte) (all []string, ok bool) {
	c := cursor{text: array}
	i := c.skip(0)
	if c.peek(i) != '[' {
		return nil, false
	}
	all = []string{}
	i = c.skip(i + 1)
	for c.peek(i) == '"' {
		end := c.str(i)
		if end < 0 {
			return nil, false
		}
		all = append(all, string(c.decode(i, end)))
		if i = c.skip(end); c.peek(i) == ',' {
			i = c.skip(i + 1)
		}
	}
	if c.peek(i) != ']' {
		return nil, false
	}
	return all, true
}

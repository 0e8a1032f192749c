package spread

import "strconv"

// A scanner finds the integers in a body, which is JSON.
type scanner struct {
	text []byte
	at   int
	do   func(where uint64, value int64)
}

// integers calls do with each integer of a body and where it stands: a hash of the type of
// the message and of the names around it. All elements of an array stand at the same place,
// and so do all members whose names are integers. Integers may also be written as a string or
// as the name of a member. Ids of messages are left out.
func integers(typ string, body []byte, do func(where uint64, value int64)) {
	s := scanner{text: body, do: do}
	s.value(hash(offset, typ))
}

// The hash is FNV-1a.
const (
	offset = 14695981039346656037
	prime  = 1099511628211
)

func hash[T ~[]byte | ~string](sum uint64, name T) uint64 {
	for i := range len(name) {
		sum = (sum ^ uint64(name[i])) * prime
	}
	return (sum ^ '/') * prime
}

// skip goes to the next value, name or end of an object or array.
func (s *scanner) skip() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return c
		}
	}
	return 0
}

// value goes over a value.
func (s *scanner) value(where uint64) {
	switch s.skip() {
	case 0, '}', ']':
		s.at++
	case '{':
		s.object(where)
	case '[':
		s.at++
		inside := hash(where, "[]")
		for c := s.skip(); c != ']' && c != 0; c = s.skip() {
			s.value(inside)
		}
		s.at++
	case '"':
		if v, ok := integer(s.quoted()); ok {
			s.do(hash(where, "text"), v)
		}
	default:
		from := s.at
		for s.at < len(s.text) && !ends(s.text[s.at]) {
			s.at++
		}
		if v, ok := integer(s.text[from:s.at]); ok {
			s.do(where, v)
		}
	}
}

func ends(c byte) bool {
	switch c {
	case ',', '}', ']', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// object goes over an object.
func (s *scanner) object(where uint64) {
	s.at++
	for c := s.skip(); c != '}' && c != 0; c = s.skip() {
		if c != '"' {
			s.at++ // it is not JSON
			continue
		}
		name := s.quoted()
		switch v, ok := integer(name); {
		case ok:
			s.do(hash(where, "name"), v)
			s.value(hash(where, "{}"))
		case string(name) == "msg_id", string(name) == "in_reply_to":
			do := s.do
			s.do = func(uint64, int64) {}
			s.value(where)
			s.do = do
		default:
			s.value(hash(where, name))
		}
	}
	s.at++
}

// quoted goes over a string and returns what is between its quotes.
func (s *scanner) quoted() []byte {
	s.at++
	from := s.at
	for s.at < len(s.text) && s.text[s.at] != '"' {
		if s.text[s.at] == '\\' {
			s.at++
		}
		s.at++
	}
	end := min(s.at, len(s.text))
	s.at++
	return s.text[from:end]
}

// integer parses an integer of at most 18 digits.
func integer(text []byte) (int64, bool) {
	if len(text) == 0 || len(text) > 18 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return 0, false
	}
	if n := len(text); n > 2 && text[n-2] == '.' && text[n-1] == '0' {
		text = text[:n-2] // 17.0
	}
	v, err := strconv.ParseInt(string(text), 10, 64)
	return v, err == nil
}

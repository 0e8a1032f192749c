package shorthand

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/message"
)

// A word is one argument as it was typed.
type word struct {
	name  string         // of name=value; "" if it has none
	text  string         // the value as typed
	value jsontext.Value // what it stands for
}

// blanks separate words. A newline cannot be typed.
const blanks = " \t\r"

func trim(s string) string { return strings.Trim(s, blanks) }

// cutPlain cuts the first run of non-blanks off s.
func cutPlain(s string) (first, rest string) {
	s = trim(s)
	if i := strings.IndexAny(s, blanks); i >= 0 {
		return s[:i], trim(s[i:])
	}
	return s, ""
}

// cutWord cuts the first word off s, which must not be blank. What begins like
// a JSON string, object or array must be one, and may contain blanks; any other
// word ends at a blank and is JSON if it happens to be, else a string. So a
// missing quote or brace is an error and not silently a string.
func cutWord(s string) (w word, rest string, err error) {
	s = trim(s)
	w.name, s = cutName(s)
	if s != "" && strings.ContainsRune(`{["`, rune(s[0])) {
		value, n, err := message.Prefix(s)
		if err != nil {
			return w, "", err
		}
		if n < len(s) && !strings.ContainsRune(blanks, rune(s[n])) {
			return w, "", fmt.Errorf("a blank is missing after %s", clip(s[:n]))
		}
		w.text, w.value = s[:n], value
		return w, trim(s[n:]), nil
	}
	if i := strings.IndexAny(s, blanks); i >= 0 {
		w.text, rest = s[:i], trim(s[i:])
	} else {
		w.text = s
	}
	w.value = jsontext.Value(w.text)
	if w.text == "" || !w.value.IsValid() {
		w.value = message.Quote(w.text)
	}
	return w, rest, nil
}

// cutName cuts a "name=" off s. A name is made of letters, digits and _ . -,
// so that an address such as http://host/?q=1 is a word and not a pair.
func cutName(s string) (name, rest string) {
	for i, r := range s {
		switch {
		case r == '=' && i > 0:
			return s[:i], s[i+1:]
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
		case i > 0 && (r >= '0' && r <= '9' || r == '.' || r == '-'):
		default:
			return "", s
		}
	}
	return "", s
}

// clip shortens what is quoted in an error.
func clip(text string) string {
	if begin, cut := quote.Cut(text, 40); cut {
		return strings.TrimRight(begin, blanks) + "…"
	}
	return text
}

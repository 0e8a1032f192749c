package shorthand

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/quote"
)

// A word is one argument.
type word struct {
	name  string         // of name=value; "" if it has none
	text  string         // the value as it was typed
	value jsontext.Value // the value as JSON
}

// blanks separate words. A typed line contains no newline.
const blanks = " \t\r"

func trim(s string) string { return strings.Trim(s, blanks) }

// cutPlain returns the text before the first blank of s, and the rest of s.
func cutPlain(s string) (first, rest string) {
	s = trim(s)
	if i := strings.IndexAny(s, blanks); i >= 0 {
		return s[:i], trim(s[i:])
	}
	return s, ""
}

// cutWord returns the first word of s, which must not be blank, and the rest of s. A
// word that begins like a JSON string, object or array must be one, and may contain
// blanks. So a missing quote or brace is an error and does not make a string. Any
// other word ends at a blank. It is JSON if it is valid JSON, and a string otherwise.
func cutWord(s string) (w word, rest string, err error) {
	s = trim(s)
	w.name, s = cutName(s)
	if s != "" && strings.ContainsRune(`{["`, rune(s[0])) {
		value, n, err := message.Prefix(s)
		if err != nil {
			return w, "", err
		}
		if n < len(s) && !strings.ContainsRune(blanks, rune(s[n])) {
			return w, "", fmt.Errorf("no blank after %s", clip(s[:n]))
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

// cutName returns the name of a word name=value, and the rest of s. A name consists
// of letters, digits and _ . -, so http://host/?q=1 is a word without a name.
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

// clip returns text, shortened, to be quoted in an error.
func clip(text string) string {
	if begin, cut := quote.Cut(text, 40); cut {
		return strings.TrimRight(begin, blanks) + "…"
	}
	return text
}

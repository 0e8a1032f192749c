package shorthand

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
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
		value, n, err := scanValue(s)
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
		w.value = quote(w.text)
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

// scanValue reads the JSON value that s begins with, and says how long it is.
// Its bytes are those typed.
func scanValue(s string) (jsontext.Value, int, error) {
	d := jsontext.NewDecoder(strings.NewReader(s), lax)
	value, err := d.ReadValue()
	if err != nil {
		return nil, 0, notJSON(err)
	}
	return value.Clone(), int(d.InputOffset()), nil
}

// lax lets a name occur twice in an object: some want to see what a node makes
// of it.
var lax = jsontext.AllowDuplicateNames(true)

// notJSON says what is wrong with JSON in a few words.
func notJSON(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("not JSON: it ends too early")
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %v at byte %d", syntax.Err, syntax.ByteOffset+1)
	}
	return fmt.Errorf("not JSON: %w", err)
}

// quote makes a JSON string. s is valid UTF-8: Parse has seen to it.
func quote(s string) jsontext.Value {
	value, _ := jsontext.AppendQuote(nil, s)
	return value
}

// clip shortens what is quoted in an error.
func clip[T string | []byte](text T) string {
	const most = 40
	b := []byte(text)
	if len(b) <= most {
		return string(b)
	}
	cut := most
	for !utf8.RuneStart(b[cut]) {
		cut--
	}
	return string(bytes.TrimRight(b[:cut], blanks)) + "…"
}

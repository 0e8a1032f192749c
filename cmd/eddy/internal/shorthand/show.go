package shorthand

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/quote"
	"github.com/eddyrpc/eddy/internal/message"
)

// Show returns fields as name=value, separated by blanks, with the values as they
// could be typed: a string has no quotes unless it needs them. The result is one line
// without control characters.
func Show(fields []message.Field) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(ShowName(f.Name))
		b.WriteByte('=')
		b.WriteString(ShowValue(f.Value))
	}
	return b.String()
}

// ShowName returns a name, a type or a node's id, in quotes if it needs them.
func ShowName(name string) string {
	if isWord(name) {
		return name
	}
	return printable(string(message.Quote(name)))
}

// ShowValue returns one JSON value without blanks between its tokens.
func ShowValue(value jsontext.Value) string {
	if value.Kind() == '"' {
		text, err := jsontext.AppendUnquote(nil, value)
		if err == nil && isWord(string(text)) && !jsontext.Value(text).IsValid() {
			return string(text)
		}
	}
	value = value.Clone()
	if err := value.Compact(); err != nil {
		return quote.Printable(value)
	}
	return printable(string(value))
}

// isWord reports whether Parse would read text as a string of the same text.
func isWord(text string) bool {
	if text == "" || strings.ContainsAny(text[:1], `{["`) {
		return false
	}
	for _, r := range text {
		if r == ' ' || r == utf8.RuneError || !strconv.IsPrint(r) {
			return false
		}
	}
	name, _ := cutName(text)
	return name == ""
}

// printable returns JSON in which all characters that are not printable are escaped.
// Such characters are in strings only.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strconv.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

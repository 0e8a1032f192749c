package shorthand

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/quote"
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
	return quote.JSON(message.Quote(name))
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
	return quote.JSON(value)
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

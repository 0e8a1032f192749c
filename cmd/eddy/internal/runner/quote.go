package runner

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoteBytes is how much of a line is quoted.
const quoteBytes = 200

// quote is the beginning of a line, as Printable has it.
func quote(line []byte) string {
	if len(line) > quoteBytes {
		return Printable(line[:quoteBytes]) + "..."
	}
	return Printable(line)
}

// PrintableLines is Printable for a text of ours that quotes nodes: its line
// breaks stay.
func PrintableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Printable([]byte(lines[i]))
	}
	return strings.Join(lines, "\n")
}

// Printable is what a node wrote without what a terminal would obey and what
// JSON can't hold: other bytes stand as \xff, other characters as \u200b. Among
// them are DEL, the control characters C1, and those that turn the direction of
// writing.
func Printable(text []byte) string {
	out := make([]byte, 0, len(text)+16)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			const digits = "0123456789abcdef"
			out = append(out, '\\', 'x', digits[text[0]>>4], digits[text[0]&15])
		case !strconv.IsPrint(r):
			quoted := strconv.QuoteRuneToASCII(r)
			out = append(out, quoted[1:len(quoted)-1]...)
		default:
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return string(out)
}

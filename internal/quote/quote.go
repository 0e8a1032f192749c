// Package quote writes text that others have written so that it can be shown.
package quote

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable returns text without anything that a terminal obeys or that JSON can't
// hold: other bytes become \xff, other characters \u200b. Among these are DEL, the
// control characters C1, and those that change the direction of writing. A
// backslash stays as it is, so the result is for people and can't be undone.
func Printable[T ~[]byte | ~string](text T) string {
	rest, b := string(text), strings.Builder{}
	for len(rest) > 0 {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case !strconv.IsPrint(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(rest[:size])
		}
		rest = rest[size:]
	}
	return b.String()
}

// JSON is Printable for a text in JSON: the result is JSON with the same meaning.
func JSON[T ~[]byte | ~string](text T) string {
	var b strings.Builder
	for _, r := range string(text) {
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

// Lines is Printable, but line breaks stay.
func Lines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// excerptBytes is the length of an excerpt.
const excerptBytes = 200

// Excerpt returns the beginning of text, as Printable does.
func Excerpt[T ~[]byte | ~string](text T) string {
	if begin, cut := Cut(string(text), excerptBytes); cut {
		return Printable(begin) + "..."
	}
	return Printable(text)
}

// Cut returns at most so many bytes of text, without cutting a character, and
// whether it left something out.
func Cut(text string, most int) (begin string, cut bool) {
	if len(text) <= most {
		return text, false
	}
	end := most
	for end > max(0, most-utf8.UTFMax) && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], true
}

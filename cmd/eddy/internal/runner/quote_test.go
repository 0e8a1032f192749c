package runner

import (
	"strings"
	"testing"
)

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"plain é":                   "plain é",
		"\xff\xfe":                  `\xff\xfe`,
		"\x1b[31mred\t\r":           `\x1b[31mred\t\r`,
		"\u009b31m\u202e\x7f\ufffe": `\u009b31m\u202e\x7f\ufffe`,
		strings.Repeat("x", 300):    strings.Repeat("x", 200) + "...",
	} {
		if got := quote([]byte(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

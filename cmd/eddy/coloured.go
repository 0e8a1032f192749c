package main

import (
	"os"
	"strings"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/talk"
)

// colouredVerdict returns a text with its verdict, which is its first word, in a colour if
// standard output is a terminal and NO_COLOR is not set.
func colouredVerdict(text string) string {
	if !talk.UseColours("auto", os.Stdout) {
		return text
	}
	return withColour(text)
}

func withColour(text string) string {
	for word, colour := range map[string]string{"PASS": "\x1b[1;32m", "FAIL": "\x1b[1;31m", "UNKNOWN": "\x1b[1;33m"} {
		if rest, ok := strings.CutPrefix(text, word); ok {
			return colour + word + "\x1b[0m" + rest
		}
	}
	return text
}

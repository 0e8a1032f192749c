package bounded

import "unicode/utf8"

// How many bytes of what a peer may have chosen stand in a text.
const (
	maxName = 64
	maxText = 1024
)

// Name returns a name as it stands in texts and logs.
func Name(name string) string { return shorten(name, maxName) }

// Text returns the text of an error as it is logged and kept.
func Text(text string) string { return shorten(text, maxText) }

func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return Cut(text, most) + "..."
}

// Cut returns the beginning of a text. It does not cut a character of UTF-8.
func Cut[T string | []byte](text T, most int) T {
	if len(text) <= most {
		return text
	}
	end := most
	for end > max(0, most-utf8.UTFMax) && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

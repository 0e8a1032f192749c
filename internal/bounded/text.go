package bounded

import "unicode/utf8"

// The greatest sizes of what a peer may have chosen, in bytes.
const (
	maxName = 64
	maxText = 1024
)

// Name returns a name for texts and logs. A long one is cut.
func Name(name string) string { return shorten(name, maxName) }

// Text returns the text of an error for logs and errors. A long one is cut.
func Text(text string) string { return shorten(text, maxText) }

func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return Cut(text, most) + "..."
}

// Cut returns a text without what is beyond a size in bytes. It does not cut within a
// character.
func Cut[T string | []byte](text T, size int) T {
	if len(text) <= size {
		return text
	}
	for n := size; n >= 0 && n > size-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			return text[:n]
		}
	}
	return text[:size] // it is not valid UTF-8
}

package wire

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// plainByByte is skipPlain byte by byte.
func plainByByte(text []byte, i int) int {
	for i < len(text) && isPlain[text[i]] {
		i++
	}
	return i
}

// skipPlain stops where a loop over the bytes does, wherever the byte stands in a word
// and whatever follows it.
func TestSkipPlain(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for b := range 256 {
				for _, next := range []byte{'x', ' ', '!', '#', '[', ']', 0x7f, '"', 0} {
					text := []byte(strings.Repeat("x", length))
					text[at] = byte(b)
					if at+1 < length {
						text[at+1] = next
					}
					for _, from := range []int{0, at / 2} {
						if got, want := skipPlain(text, from), plainByByte(text, from); got != want {
							t.Fatalf("%q from %d: got %d, want %d", text, from, got, want)
						}
					}
				}
			}
		}
	}
}

// endByByte is stringEnd byte by byte.
func endByByte(line []byte, i int) int {
	for i++; i < len(line); i++ {
		switch line[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(line)
}

func TestStringEnd(t *testing.T) {
	const bytes = "\"\"\\\\#]! ax\x00\xff"
	for range 50_000 {
		line := make([]byte, 1+rand.IntN(40))
		few := 1 + rand.IntN(len(bytes))
		for i := range line {
			line[i] = bytes[rand.IntN(few)]
		}
		i := rand.IntN(len(line))
		line[i] = '"'
		if got, want := stringEnd(line, i), endByByte(line, i); got != want {
			t.Fatalf("%q from %d: got %d, want %d", line, i, got, want)
		}
	}
}

package wire

import (
	"math/rand/v2"
	"testing"
)

// bytewiseEnd is stringEnd byte by byte.
func bytewiseEnd(line []byte, i int) int {
	for i++; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(line)
}

func TestStringEnd(t *testing.T) {
	const odd = `"\"\\#]! ax`
	for range 100_000 {
		line := make([]byte, 1+rand.IntN(40))
		few := 1 + rand.IntN(len(odd))
		for i := range line {
			line[i] = odd[rand.IntN(few)]
		}
		i := rand.IntN(len(line))
		line[i] = '"'
		if got, want := stringEnd(line, i), bytewiseEnd(line, i); got != want {
			t.Fatalf("%q from %d: %d, want %d", line, i, got, want)
		}
	}
}

package wire

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// appendSpaced is AppendValue for a dialect with blanks and a text that is not long.
// It copies short strings eight bytes at once, and most of what it copies takes no call
// (BenchmarkAppendFields, spaced).
func appendSpaced(dst, raw []byte) []byte {
	from := len(dst)
	// A value follows each ':' and ',', so no more than half of any beginning are such.
	dst = slices.Grow(dst, len(raw)+len(raw)/2+8)
	out := dst[from:cap(dst)]
	j := 0
	for i := 0; i < len(raw); {
		b := raw[i]
		if b == '"' {
			n := 9
			if i < len(raw)-8 { // most strings end within eight bytes
				word := binary.LittleEndian.Uint64(raw[i+1:])
				out[j] = '"'
				binary.LittleEndian.PutUint64(out[j+1:], word)
				n = 1 + bits.TrailingZeros64(quoteOrSlash(word))/8
			}
			if n <= 8 && raw[i+n] == '"' {
				n++
			} else {
				n = copy(out[j:], raw[i:stringEnd(raw, i)])
			}
			i += n
			j += n
			if i == len(raw) {
				break
			}
			b = raw[i]
		}
		i++
		if b == ':' || b == ',' {
			out[j], out[j+1] = b, ' '
			j += 2
		} else if b > ' ' {
			out[j] = b
			j++
		}
	}
	return dst[:from+j]
}

// quoteOrSlash marks the quotes and backslashes of eight bytes, as odd does.
func quoteOrSlash(w uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^ones*'"', w^ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash) & highs
}

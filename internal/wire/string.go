package wire

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote decodes a JSON string, which must be valid. Without escapes the result is a
// view into raw. The escape of a lone surrogate, which is not a character, becomes
// U+FFFD.
func Unquote(raw []byte) []byte {
	in := raw[1 : len(raw)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return in
	}
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); {
		if in[i] != '\\' || i+1 == len(in) {
			out = append(out, in[i])
			i++
			continue
		}
		if in[i+1] != 'u' {
			out = append(out, unescaped[in[i+1]])
			i += 2
			continue
		}
		if i+6 > len(in) {
			break // raw is not valid
		}
		r := hex4(in[i+2:])
		i += 6
		if utf16.IsSurrogate(r) && i+6 <= len(in) && in[i] == '\\' && in[i+1] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(in[i+2:])); pair != utf8.RuneError {
				r = pair
				i += 6
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

var unescaped = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func hex4(in []byte) (r rune) {
	for _, b := range in[:4] {
		switch {
		case b <= '9':
			b -= '0'
		case b >= 'a':
			b -= 'a' - 10
		default:
			b -= 'A' - 10
		}
		r = r<<4 | rune(b)
	}
	return r
}

// AppendQuote appends s as a JSON string. It escapes only what must be escaped. A byte
// that is not UTF-8 becomes U+FFFD.
func AppendQuote(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		b := s[i]
		if isPlain[b] {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[done:i]...)
				dst = append(dst, "\ufffd"...)
				done = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[done:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[b>>4], digits[b&15])
		}
		i++
		done = i
	}
	return append(append(dst, s[done:]...), '"')
}

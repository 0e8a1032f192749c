package canonical

import (
	"bytes"
	"math"
	"strconv"
)

const (
	// maxPlain is the number of digits up to which a number is written without an
	// exponent.
	maxPlain = 100

	// maxExponent bounds exponents, so that they can be added. A number with a larger
	// one stays as it is written.
	maxExponent = math.MaxInt64 / 4
)

// numbers returns a JSON value without blanks whose numbers are written in the form of
// number.
func numbers(value []byte) []byte {
	var changed []byte // nil while it equals value[:i]
	for i := 0; i < len(value); {
		end := i + 1
		switch c := value[i]; {
		case c == '"':
			end = i + stringLength(value[i:])
		case c == '-' || '0' <= c && c <= '9':
			if end = bytes.IndexAny(value[i:], ",]}"); end < 0 {
				end = len(value)
			} else {
				end += i
			}
			if text := value[i:end]; !isPlain(text) {
				if changed == nil {
					changed = append(changed, value[:i]...)
				}
				changed = appendNumber(changed, text)
				i = end
				continue
			}
		}
		if changed != nil {
			changed = append(changed, value[i:end]...)
		}
		i = end
	}
	if changed == nil {
		return value
	}
	return changed
}

// stringLength returns the length of the JSON string that text begins with.
func stringLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// isPlain reports whether a number is written as an integer that stays as it is.
func isPlain(text []byte) bool {
	return len(text) <= maxPlain && !bytes.ContainsAny(text, ".eE") && string(text) != "-0"
}

// appendNumber appends a number in a form that is the same for equal numbers. It is
// exact: a float could not tell 9007199254740993 from 9007199254740992.
func appendNumber(dst, text []byte) []byte {
	mantissa, power := text, int64(0)
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		mantissa = text[:e]
		n, err := strconv.ParseInt(string(text[e+1:]), 10, 64)
		if err != nil || n > maxExponent || n < -maxExponent {
			return append(dst, text...)
		}
		power = n
	}
	unsigned, negative := bytes.CutPrefix(mantissa, []byte("-"))
	whole, fraction, _ := bytes.Cut(unsigned, []byte("."))
	digits := append(append([]byte(nil), whole...), fraction...)
	power -= int64(len(fraction))
	all := len(digits)
	digits = bytes.TrimRight(digits, "0")
	power += int64(all - len(digits))
	digits = bytes.TrimLeft(digits, "0")
	if len(digits) == 0 {
		return append(dst, '0')
	}
	if negative {
		dst = append(dst, '-')
	}
	point := int64(len(digits)) + power // how many digits are before the point
	switch {
	case power >= 0 && point <= maxPlain:
		return append(append(dst, digits...), bytes.Repeat([]byte("0"), int(power))...)
	case power < 0 && 0 < point && point <= maxPlain:
		return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
	case power < 0 && -maxPlain <= point && point <= 0:
		return append(append(append(dst, "0."...), bytes.Repeat([]byte("0"), int(-point))...), digits...)
	}
	return strconv.AppendInt(append(append(dst, digits...), 'e'), power, 10)
}

// Int returns the integer that a JSON number is, whatever its notation. It returns
// false for other values.
func Int[T ~[]byte | ~string](value T) (int64, bool) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		n, err = strconv.ParseInt(JSON(value), 10, 64)
	}
	return n, err == nil
}

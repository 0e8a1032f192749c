// Package canonical says when two JSON values are equal.
package canonical

import "github.com/go-json-experiment/json/jsontext"

// JSON returns a value in a form that is the same for equal values and differs
// for others. The order of an object's members, blanks and a string's escapes
// do not matter, nor does the notation of a number: 1.0 and 1e0 are 1. Numbers
// are compared exactly: 9007199254740993 is not 9007199254740992. JSON returns
// text that is not JSON as it is.
func JSON[T ~[]byte | ~string](value T) string {
	v := append(jsontext.Value(nil), value...)
	err := v.Canonicalize(jsontext.AllowDuplicateNames(true),
		jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err == nil {
		return string(numbers(v))
	}
	// A lone surrogate has no canonical form: strings stay as they are written.
	v = append(v[:0], value...)
	if v.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.ReorderRawObjects(true)) != nil {
		return string(value)
	}
	return string(numbers(v))
}

// Package canonical says when two JSON values are equal.
package canonical

import "github.com/go-json-experiment/json/jsontext"

// JSON returns a value in a form that is the same for equal values and differs
// for others. The order of an object's members, blanks and a string's escapes
// do not matter. Numbers are equal if they are written in the same way: 1.0 is
// not 1, and a comparison of floats could not tell 9007199254740993 from
// 9007199254740992. JSON returns text that is not JSON as it is.
func JSON[T ~[]byte | ~string](value T) string {
	v := append(jsontext.Value(nil), value...)
	err := v.Canonicalize(jsontext.AllowDuplicateNames(true),
		jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err == nil {
		return string(v)
	}
	// A lone surrogate has no canonical form: strings stay as they are written.
	v = append(v[:0], value...)
	if v.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.ReorderRawObjects(true)) != nil {
		return string(value)
	}
	return string(v)
}

// Package body encodes Go values as message bodies and decodes them.
package body

import (
	"errors"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/bounded"
)

// A node passes on what it does not understand. So a lone surrogate's escape and a name
// that is given twice are left as they are.
var options = json.JoinOptions(
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
	jsontext.PreserveRawStrings(true),
	json.Deterministic(true), // a map's members are sorted by name
)

// Marshal encodes a value as encoding/json/v2 does. Equal values get the same text.
// Slices of bytes, as []byte and json.RawMessage are, are JSON text already and are
// returned as they are.
func Marshal(v any) ([]byte, error) {
	if b, ok := v.([]byte); ok {
		return b, nil
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
		return r.Bytes(), nil
	}
	return Encode(v)
}

// Encode is Marshal for a value of any kind, []byte included, which becomes a string
// in base 64.
func Encode(v any) ([]byte, error) { return json.Marshal(v, options) }

// Unmarshal decodes a value as encoding/json/v2 does, with two differences: of a
// name that is given twice the last value counts, and members that v has no field
// for are ignored. Its error names the member by a JSON Pointer (RFC 6901) and not
// the Go type, so that it can be sent to a peer.
func Unmarshal(text []byte, v any) error {
	err := json.Unmarshal(text, v, options)
	var wrong *json.SemanticError
	if errors.As(err, &wrong) {
		return &kindError{string(wrong.JSONPointer), wrong.JSONKind, err}
	}
	return err
}

// A kindError says where a value has another kind than the Go value can hold.
type kindError struct {
	pointer string
	kind    jsontext.Kind
	err     error
}

func (e *kindError) Error() string {
	what := e.kind.String()
	switch e.kind {
	case '{':
		what = "an object"
	case '[':
		what = "an array"
	case '"', '0':
		what = "a " + what
	}
	if e.pointer == "" {
		return what + " is not what was expected here"
	}
	return what + " is not what was expected at " + bounded.Name(e.pointer)
}

func (e *kindError) Unwrap() error { return e.err }

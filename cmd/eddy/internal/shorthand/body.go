package shorthand

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/message"
)

// object returns the JSON object that has these fields.
func object(fields []message.Field) jsontext.Value {
	b := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, message.Quote(f.Name)...)
		b = append(b, ':')
		b = append(b, f.Value...)
	}
	return append(b, '}')
}

// checkType checks that a body has a type.
func checkType(fields []message.Field) error {
	for _, f := range fields {
		if f.Name == "type" {
			if f.Value.Kind() != '"' {
				return errors.New("type is not a string")
			}
			return nil
		}
	}
	return errors.New("type is missing")
}

package shorthand

import (
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A Field is one member of a JSON object.
type Field struct {
	Name  string
	Value jsontext.Value // its bytes as they were written
}

// ErrNotObject is the error of JSON that is something else than an object.
var ErrNotObject = errors.New("not an object")

// Fields takes a JSON object apart. The error says in a few words what it is
// instead. A map was declined: it loses the order, and one of two fields of the
// same name.
func Fields(object jsontext.Value) ([]Field, error) {
	d := jsontext.NewDecoder(strings.NewReader(string(object)), lax)
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			return nil, notJSON(err)
		}
		return nil, ErrNotObject
	}
	d.ReadToken()
	var fields []Field
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, notJSON(err)
		}
		field := Field{Name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return nil, notJSON(err)
		}
		field.Value = value.Clone()
		fields = append(fields, field)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("not JSON: more follows after the object")
	}
	return fields, nil
}

// object puts fields together.
func object(fields []Field) jsontext.Value {
	b := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, quote(f.Name)...)
		b = append(b, ':')
		b = append(b, f.Value...)
	}
	return append(b, '}')
}

// With returns the body with one more field, at its end. All the rest of its
// bytes stay as they are.
func With(body jsontext.Value, name string, value jsontext.Value) jsontext.Value {
	text := strings.TrimRight(string(body), blanks)
	text = strings.TrimRight(strings.TrimSuffix(text, "}"), blanks)
	if !strings.HasSuffix(text, "{") {
		text += ","
	}
	return jsontext.Value(text + string(quote(name)) + ":" + string(value) + "}")
}

func checkType(fields []Field) error {
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

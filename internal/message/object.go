package message

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A Field is one member of a JSON object.
type Field struct {
	Name  string
	Value jsontext.Value // as it was written
}

// Fields returns the members of the JSON object that text consists of, in their
// order. The values are parts of text.
func Fields(text []byte) (fields []Field, err error) {
	err = Each(text, func(name []byte, value jsontext.Value) error {
		fields = append(fields, Field{string(name), value})
		return nil
	})
	return fields, err
}

// Each calls f with the name and the value of each member of the JSON object that text
// consists of, in their order. Both are valid until f returns. It returns the first error of
// f, unless text is not a JSON object.
func Each(text []byte, f func(name []byte, value jsontext.Value) error) error {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	return r.object(text, func(quoted, value []byte) error { return f(unquoted(quoted), value) })
}

// Member returns the value of an object's member: the last one if there are
// several, nil if there is none or text is not a JSON object.
func Member(text []byte, name string) (found jsontext.Value) {
	err := Each(text, func(n []byte, value jsontext.Value) error {
		if string(n) == name {
			found = value
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return found
}

// Prefix returns the JSON value that text begins with, and its length in text with
// the blanks before it.
func Prefix(text string) (value jsontext.Value, length int, err error) {
	d := jsontext.NewDecoder(strings.NewReader(text), lax...)
	value, err = d.ReadValue()
	if err != nil {
		return nil, 0, notJSON(err)
	}
	return value.Clone(), int(d.InputOffset()), nil
}

// With returns an object with one more member at its end. The rest of its bytes
// stays as it is. Text that does not end as an object does is returned unchanged.
func With(object []byte, name string, value jsontext.Value) []byte {
	object = bytes.TrimSpace(object)
	fields, ok := bytes.CutSuffix(object, []byte("}"))
	if !ok {
		return object
	}
	fields = bytes.TrimSpace(fields)
	b := make([]byte, 0, len(object)+len(name)+len(value)+4)
	b = append(b, fields...)
	if len(fields) > 1 {
		b = append(b, ',')
	}
	b = append(AppendQuote(b, name), ':')
	return append(append(b, value...), '}')
}

// WithID returns a body with a msg_id at its end.
func WithID(body []byte, id int64) []byte { return With(body, "msg_id", Int(id)) }

// Int returns n as a JSON number.
func Int(n int64) jsontext.Value { return strconv.AppendInt(nil, n, 10) }

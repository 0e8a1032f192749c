package eddy

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/wire"
)

// Most bodies are small: a map, or a struct of strings, numbers and Raw. These are
// encoded here, for encoding/json/v2 takes a quarter of the time of a call that is
// waited for (bench, relay, eddy-blocking). The outcome is the same, but that a Raw
// keeps its blanks; all that is not plain is left to it.

// A text is memory for a body that is encoded and written at once.
type text struct{ buf []byte }

var texts = sync.Pool{New: func() any { return &text{make([]byte, 0, 256)} }}

// encode is JSON, valid until the text is used again.
func (t *text) encode(body any) (Raw, error) {
	if raw, ok := appendPlain(t.buf[:0], body); ok {
		if cap(raw) <= maxText {
			t.buf = raw
		}
		return raw, nil
	}
	return JSON(body)
}

// maxText is how long a text's memory may be that is kept.
const maxText = 64 << 10

// appendPlain appends a body if it is plain.
func appendPlain(dst []byte, body any) (_ []byte, ok bool) {
	if m, ok := body.(map[string]any); ok {
		return appendMap(dst, m)
	}
	v := reflect.ValueOf(body)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return dst, false
	}
	heads := plainHeads(v.Type())
	if heads == nil {
		return dst, false
	}
	for i, head := range heads {
		dst = append(dst, head...)
		if dst, ok = appendField(dst, v.Field(i)); !ok {
			return dst, false
		}
	}
	return append(dst, '}'), true
}

func appendMap(dst []byte, m map[string]any) (_ []byte, ok bool) {
	if len(m) == 0 {
		return dst, false // nil is not {}
	}
	head := byte('{')
	for _, name := range slices.Sorted(maps.Keys(m)) {
		dst = append(wire.AppendQuote(append(dst, head), name), ':')
		if dst, ok = appendAny(dst, m[name]); !ok {
			return dst, false
		}
		head = ','
	}
	return append(dst, '}'), true
}

// appendAny appends a value of any kind, false if it can't be encoded.
func appendAny(dst []byte, value any) (_ []byte, ok bool) {
	switch v := value.(type) {
	case string:
		return wire.AppendQuote(dst, v), true
	case int:
		return strconv.AppendInt(dst, int64(v), 10), true
	case bool:
		return strconv.AppendBool(dst, v), true
	case Raw:
		return appendRaw(dst, v)
	}
	text, err := json.Marshal(value, jsonOptions)
	return append(dst, text...), err == nil
}

func appendRaw(dst []byte, raw Raw) (_ []byte, ok bool) {
	if len(raw) == 0 {
		return append(dst, "null"...), true
	}
	return append(dst, raw...), wire.Valid(raw) == nil
}

// structs are, for each struct type that was seen, what stands before the values of its
// fields, {"name": or ,"name": each; nil if it is not plain.
var structs sync.Map // reflect.Type -> []string

func plainHeads(t reflect.Type) []string {
	if known, ok := structs.Load(t); ok {
		return known.([]string)
	}
	heads := findHeads(t)
	structs.Store(t, heads)
	return heads
}

func findHeads(t reflect.Type) []string {
	if reflect.PointerTo(t).NumMethod() > 0 {
		return nil // it may encode itself
	}
	var heads []string
	names := make(map[string]bool)
	head := "{"
	for f := range t.Fields() {
		name, tagged := f.Tag.Lookup("json")
		if !tagged {
			name = f.Name
		}
		if !f.IsExported() || f.Anonymous || !isPlainName(name) || names[name] || !isPlain(f.Type) {
			return nil
		}
		names[name] = true
		heads = append(heads, head+`"`+name+`":`)
		head = ","
	}
	return heads
}

// isPlainName tells whether a tag or a field's name is nothing but a name, and one
// that needs no escapes.
func isPlainName(name string) bool {
	for i := range len(name) {
		b := name[i]
		letter := 'a' <= b|0x20 && b|0x20 <= 'z'
		if !letter && (i == 0 || b != '_' && (b < '0' || b > '9')) {
			return false
		}
	}
	return name != ""
}

func isPlain(t reflect.Type) bool {
	if t == reflect.TypeFor[Raw]() {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return reflect.PointerTo(t).NumMethod() == 0
	}
	return false
}

// appendField appends the value of a field whose type is plain.
func appendField(dst []byte, v reflect.Value) (_ []byte, ok bool) {
	switch v.Kind() {
	case reflect.String:
		return wire.AppendQuote(dst, v.String()), true
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), true
	case reflect.Slice:
		return appendRaw(dst, v.Bytes())
	}
	return strconv.AppendInt(dst, v.Int(), 10), true
}

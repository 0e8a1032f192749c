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

// maxText is how long a text's memory may be that is kept.
const maxText = 64 << 10

// encode is a body, valid until the text is used again.
func (t *text) encode(body any) (wire.Body, error) {
	e := encoder{dst: t.buf[:0]}
	if !e.plain(body) {
		raw, err := JSON(body)
		if err != nil {
			return wire.Body{}, err
		}
		return wire.ReadBody(raw)
	}
	if cap(e.dst) <= maxText {
		t.buf = e.dst
	}
	if !e.known {
		return wire.ReadBody(e.dst)
	}
	return wire.Compose(e.dst, e.typ, e.typEnd, e.blanks), nil
}

// An encoder appends a body if it is plain, and keeps what reading it would tell.
type encoder struct {
	dst []byte

	known       bool // all below is; else the body must be read
	typ, typEnd int  // where the type's value stands, if there is one
	blanks      bool // a Raw has some
}

// plain appends a body, false if it is not plain.
func (e *encoder) plain(body any) bool {
	if m, ok := body.(map[string]any); ok {
		return e.members(m)
	}
	v := reflect.ValueOf(body)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return false
	}
	shape := shapeOf(v.Type())
	for i, head := range shape.heads {
		e.dst = append(e.dst, head...)
		start := len(e.dst)
		if !e.field(v.Field(i)) {
			return false
		}
		if i == shape.typ {
			e.typ, e.typEnd = start, len(e.dst)
		}
	}
	e.dst = append(e.dst, '}')
	e.known = shape.known
	return shape.heads != nil
}

func (e *encoder) members(m map[string]any) bool {
	if len(m) == 0 {
		return false // nil is not {}
	}
	head := byte('{')
	for _, name := range slices.Sorted(maps.Keys(m)) {
		e.dst = append(wire.AppendQuote(append(e.dst, head), name), ':')
		if !e.any(m[name]) {
			return false
		}
		head = ','
	}
	e.dst = append(e.dst, '}')
	return true
}

// any appends a value of any kind, false if it can't be encoded.
func (e *encoder) any(value any) bool {
	switch v := value.(type) {
	case string:
		e.dst = wire.AppendQuote(e.dst, v)
	case int:
		e.dst = strconv.AppendInt(e.dst, int64(v), 10)
	case bool:
		e.dst = strconv.AppendBool(e.dst, v)
	case Raw:
		return e.raw(v)
	default:
		text, err := json.Marshal(value, jsonOptions)
		e.dst = append(e.dst, text...)
		return err == nil
	}
	return true
}

func (e *encoder) raw(raw Raw) bool {
	if len(raw) == 0 {
		e.dst = append(e.dst, "null"...)
		return true
	}
	blanks, err := wire.CheckOwn(raw)
	e.blanks = e.blanks || blanks
	e.dst = append(e.dst, raw...)
	return err == nil
}

// field appends the value of a field whose type is plain.
func (e *encoder) field(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		e.dst = wire.AppendQuote(e.dst, v.String())
	case reflect.Bool:
		e.dst = strconv.AppendBool(e.dst, v.Bool())
	case reflect.Slice:
		return e.raw(v.Bytes())
	default:
		e.dst = strconv.AppendInt(e.dst, v.Int(), 10)
	}
	return true
}

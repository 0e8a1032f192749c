package eddy

import (
	"reflect"
	"sync"

	"github.com/eddyrpc/eddy/internal/wire"
)

// A shape is what all bodies of a struct type have in common.
type shape struct {
	heads []string // what stands before the values of its fields, {"name": or ,"name": each; nil if it is not plain
	typ   int      // the field that is the type, -1 if there is none
	known bool     // no other field has a reserved name
}

// shapes are those of the struct types that were seen.
var shapes sync.Map // reflect.Type -> *shape

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := findShape(t)
	shapes.Store(t, s)
	return s
}

func findShape(t reflect.Type) *shape {
	s := &shape{typ: -1, known: true}
	if reflect.PointerTo(t).NumMethod() > 0 {
		return s // it may encode itself
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
			return s
		}
		switch {
		case name == "type" && f.Type.Kind() == reflect.String:
			s.typ = len(heads)
		case wire.Reserved(name):
			s.known = false
		}
		names[name] = true
		heads = append(heads, head+`"`+name+`":`)
		head = ","
	}
	s.heads = heads
	return s
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

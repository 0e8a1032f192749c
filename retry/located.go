package retry

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/nearest"
)

// located adds to an error the line and the column in text of what it is about.
func located(text []byte, err error) error {
	var field *fieldError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntactic):
		return fmt.Errorf("%s: %w", position(text, int(syntactic.ByteOffset)), syntactic.Err)
	case errors.As(err, &syntactic):
		return fmt.Errorf("%s: not JSON: %w", position(text, int(syntactic.ByteOffset)), syntactic.Err)
	case errors.As(err, &field):
		return fmt.Errorf("%s: %w", position(text, offsetOf(text, field.field)), err)
	}
	return err
}

// position names a place in a text. Both numbers count from 1, columns in characters.
func position(text []byte, offset int) string {
	before := text[:min(offset, len(text))]
	line := bytes.LastIndexByte(before, '\n') + 1
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(before[line:])+1)
}

// offsetOf returns where a field begins in a policy. If the policy does not have the field, it
// returns where the object begins that could have it.
func offsetOf(text []byte, field string) int {
	found, depth := 0, -1
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		before := int(d.InputOffset())
		begin := before + len(text[before:]) - len(bytes.TrimLeft(text[before:], " \t\r\n,:"))
		if _, err := d.ReadToken(); err != nil {
			return found
		}
		at := path(d.StackPointer())
		if at == field {
			return begin
		}
		if inside := at == "" || strings.HasPrefix(field, at+"."); inside && d.StackDepth() > depth {
			found, depth = begin, d.StackDepth()
		}
	}
}

// known says which fields there are in the place of one that is unknown.
func known(field string) string {
	of, name := "", field
	if dot := strings.LastIndexByte(field, '.'); dot >= 0 {
		of, name = field[:dot], field[dot+1:]
	}
	names := members(of)
	if near := nearest.Name(strings.ToLower(name), names); near != "" {
		return "did you mean " + near + "?"
	}
	return "the fields are " + strings.Join(names, ", ")
}

// members returns the names of the fields of a policy, or of the object that one of its fields
// is, such as backoff or backoff_after.11.
func members(of string) (names []string) {
	typ := reflect.TypeFor[form]()
	steps := strings.Split(of, ".")
	if of == "" {
		steps = nil
	}
	for _, step := range steps {
		if typ.Kind() == reflect.Map {
			typ = typ.Elem()
			continue
		}
		for i := range typ.NumField() {
			if tagName(typ.Field(i)) == step {
				typ = typ.Field(i).Type
				break
			}
		}
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct && typ.Kind() != reflect.Map {
			return nil
		}
	}
	for i := range typ.NumField() {
		if name := tagName(typ.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// tagName returns the name that a field has in JSON, or "".
func tagName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return strings.Trim(name, "-")
}

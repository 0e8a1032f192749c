package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/report"
	"github.com/eddyrpc/eddy/cmd/eddy/internal/runner"
	"github.com/eddyrpc/eddy/internal/golden"
)

// The table of violations is generated from that of the code.
func TestViolationsInDocs(t *testing.T) {
	var table strings.Builder
	table.WriteString("| check | what the node did |\n|---|---|\n")
	for _, s := range runner.ViolationKinds {
		fmt.Fprintf(&table, "| `%s` | %s |\n", s.Kind, s.Meaning)
	}
	golden.Section(t, "../../docs/faults.md", "violations", table.String())
}

// A schema is as much of JSON Schema as docs/results.schema.json uses.
type schema struct {
	Type       string            `json:"type"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
}

// The schema of results.json has the members that the code writes.
func TestResultsSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/results.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	compareSchema(t, "results", reflect.TypeFor[report.Results](), s)
}

func compareSchema(t *testing.T, path string, typ reflect.Type, s schema) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if want := jsonType(typ); s.Type != want {
		t.Errorf("%s: the schema says %q, the code writes %s", path, s.Type, want)
		return
	}
	switch s.Type {
	case "array":
		if s.Items == nil {
			t.Errorf("%s: the schema has no items", path)
			return
		}
		compareSchema(t, path+"[]", typ.Elem(), *s.Items)
	case "object":
		if typ.Kind() == reflect.Struct {
			compareMembers(t, path, typ, s)
		}
	}
}

func compareMembers(t *testing.T, path string, typ reflect.Type, s schema) {
	for i := range typ.NumField() {
		if !typ.Field(i).IsExported() {
			continue
		}
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		member, ok := s.Properties[name]
		if !ok {
			t.Errorf("%s: the schema lacks %s", path, name)
			continue
		}
		delete(s.Properties, name)
		if required := !strings.Contains(options, "omit"); required != slices.Contains(s.Required, name) {
			t.Errorf("%s.%s: always written is %v, and not so in the schema", path, name, required)
		}
		compareSchema(t, path+"."+name, typ.Field(i).Type, member)
	}
	for name := range s.Properties {
		t.Errorf("%s: the code writes no %s", path, name)
	}
}

func jsonType(typ reflect.Type) string {
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return "string"
	case typ.Kind() == reflect.Bool:
		return "boolean"
	case typ.Kind() == reflect.Float64:
		return "number"
	case typ.Kind() == reflect.String:
		return "string"
	case typ.Kind() == reflect.Slice:
		return "array"
	case typ.Kind() == reflect.Struct, typ.Kind() == reflect.Map:
		return "object"
	}
	return "integer"
}

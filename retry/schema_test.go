package retry

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A schema holds the keywords of JSON Schema that docs/policy.schema.json uses.
type schema struct {
	Type                 string            `json:"type"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties *bool             `json:"additionalProperties"`
	PatternProperties    map[string]schema `json:"patternProperties"`
	Items                *schema           `json:"items"`
	OneOf                []schema          `json:"oneOf"`
	Not                  *schema           `json:"not"`
	Enum                 []string          `json:"enum"`
	Pattern              string            `json:"pattern"`
	Minimum              *float64          `json:"minimum"`
	ExclusiveMinimum     *float64          `json:"exclusiveMinimum"`
	ExclusiveMaximum     *float64          `json:"exclusiveMaximum"`
	MinItems             *int              `json:"minItems"`
	MaxItems             *int              `json:"maxItems"`
	Maximum              *float64          `json:"maximum"`
	Description          string            `json:"description"`
	Title                string            `json:"title"`
	Schema               string            `json:"$schema"`
}

func readSchema(t *testing.T) schema {
	file, err := os.Open("../docs/policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var s schema
	d := json.NewDecoder(file)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// accepts reports whether a value is valid.
func (s *schema) accepts(v any) bool {
	switch {
	case s.Not != nil && s.Not.accepts(v):
		return false
	case len(s.OneOf) > 0:
		return slices.ContainsFunc(s.OneOf, func(s schema) bool { return s.accepts(v) })
	}
	switch v := v.(type) {
	case string:
		return (s.Type == "string" || s.Type == "") && (s.Enum == nil || slices.Contains(s.Enum, v)) && regexp.MustCompile(s.Pattern).MatchString(v)
	case bool:
		return s.Type == "boolean"
	case float64:
		return (s.Type == "number" || s.Type == "integer" && v == float64(int64(v)) || s.Type == "integer" && v > 1e15) &&
			(s.Minimum == nil || v >= *s.Minimum) && (s.Maximum == nil || v <= *s.Maximum) &&
			(s.ExclusiveMinimum == nil || v > *s.ExclusiveMinimum) && (s.ExclusiveMaximum == nil || v < *s.ExclusiveMaximum)
	case []any:
		return s.Type == "array" && (s.MinItems == nil || len(v) >= *s.MinItems) && (s.MaxItems == nil || len(v) <= *s.MaxItems) &&
			!slices.ContainsFunc(v, func(v any) bool { return !s.Items.accepts(v) })
	case map[string]any:
		for name, member := range v {
			of, ok := s.Properties[name]
			for pattern, matched := range s.PatternProperties {
				if regexp.MustCompile(pattern).MatchString(name) {
					of, ok = matched, true
				}
			}
			if !ok || !of.accepts(member) {
				return false
			}
		}
		return s.Type == "object"
	}
	return false
}

// The schema accepts what Load accepts and nothing else, except for rules about more
// than one field.
func TestSchemaAgrees(t *testing.T) {
	s := readSchema(t)
	check := func(text string, want bool) {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := s.accepts(v); got != want {
			t.Errorf("%s: accepted is %v", text, got)
		}
	}
	for text := range goodForms {
		check(text, true)
	}
	for text := range badForms {
		check(text, false)
	}
}

// The schema describes the members that the code has.
func TestSchemaHasTheFields(t *testing.T) {
	compareMembers(t, "policy", reflect.TypeFor[Policy](), readSchema(t))
}

func compareMembers(t *testing.T, path string, typ reflect.Type, s schema) {
	if s.AdditionalProperties == nil || *s.AdditionalProperties {
		t.Errorf("%s: the schema accepts unknown members", path)
	}
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if path == "policy.backoff_after" && name == "seed" {
			continue // the seed of backoff holds
		}
		member, ok := s.Properties[name]
		if !ok || member.Description == "" {
			t.Errorf("%s: the schema does not describe %s", path, name)
			continue
		}
		delete(s.Properties, name)
		if want := jsonType(field.Type); member.Type != want {
			t.Errorf("%s.%s: the schema says %q, the code reads %q", path, name, member.Type, want)
		}
		if member.Type == "object" {
			typ := field.Type
			for _, of := range member.PatternProperties {
				member, typ = of, typ.Elem()
			}
			if typ.Kind() == reflect.Pointer {
				typ = typ.Elem()
			}
			compareMembers(t, path+"."+name, typ, member)
		}
	}
	for name := range s.Properties {
		t.Errorf("%s: the code has no %s", path, name)
	}
}

func jsonType(typ reflect.Type) string {
	switch {
	case typ == reflect.TypeFor[Jitter]():
		return "" // one of three
	case typ == reflect.TypeFor[time.Duration](), typ == reflect.TypeFor[Late](), typ == reflect.TypeFor[BackoffKind]():
		return "string"
	}
	switch typ.Kind() {
	case reflect.Int, reflect.Uint64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "array"
	}
	return "object"
}

// The schema lists the names that the code has.
func TestSchemaEnums(t *testing.T) {
	s := readSchema(t)
	if got := s.Properties["backoff"].Properties["kind"].Enum; !slices.Equal(got, backoffKinds) {
		t.Errorf("%v", got)
	}
	if got := s.Properties["late"].Enum; !slices.Equal(got, []string{Accept.String(), Ignore.String()}) {
		t.Errorf("%v", got)
	}
}

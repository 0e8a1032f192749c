package eddy_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
)

type (
	shout string
	loud  string
	plain struct {
		Type  string `json:"type"`
		Name  shout
		Count int
		Small int8 `json:"small_one"`
		Yes   bool
		Raw   eddy.Raw `json:"raw" yaml:"x"`
	}
	options struct {
		A int    `json:"a,omitzero"`
		B string `json:"-"`
		C string `json:"c,omitempty"`
	}
	quoted struct {
		A int `json:"a,string"`
	}
	embedding struct {
		plain
		Z int
	}
	hidden  struct{ a, B int }
	speaks  struct{ A loud }
	speaker struct{ A int }
	nested  struct{ A plain }
	float   struct{ A float64 }
	pointer struct{ A *int }
	odd     struct {
		A int `json:"'\u00e9 x'"`
	}
	bytesOf struct{ A []byte }
)

// doubled has two fields of one name, which go vet would not let stand.
var doubled = reflect.Zero(reflect.StructOf([]reflect.StructField{
	{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"a"`},
	{Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"a"`},
})).Interface()

func (l loud) MarshalText() ([]byte, error)     { return bytes.ToUpper([]byte(l)), nil }
func (s *speaker) MarshalJSON() ([]byte, error) { return []byte(`"speaks"`), nil }

// What JSON makes of a body is what encoding/json/v2 makes of it, whether or not we
// have encoded it ourselves.
func TestEncodesAsTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		n := rapid.Int().Draw(t, "n")
		yes := rapid.Bool().Draw(t, "yes")
		raw := rapid.SampledFrom([]eddy.Raw{nil, {}, eddy.Raw(`{"a":[1,2.50,"\ud800"],"a":null}`), eddy.Raw(`1`), eddy.Raw(`{`), eddy.Raw(`1,"x":2`), eddy.Raw("\"\xff\"")}).Draw(t, "raw")
		p := plain{text, shout(text), n, int8(n), yes, raw}
		body := rapid.SampledFrom([]any{
			p, &p, (*plain)(nil), nil, struct{}{}, options{n, text, ""}, options{}, quoted{n}, doubled, embedding{p, n}, hidden{1, n},
			speaks{loud(text)}, speaker{n}, &speaker{n}, nested{p}, float{float64(n)}, pointer{&n}, pointer{}, odd{n}, bytesOf{[]byte(text)},
			map[string]any(nil), map[string]any{}, map[string]any{"type": text, "n": n, "yes": yes, "raw": raw},
			map[string]any{text: nil, "b": []int{n}, "c": map[string]any{"x": text, "a": n}, "d": p, "e": float64(n), "f": loud(text), "g": shout(text), "h": uint8(n)},
			map[string]any{"a": func() {}}, map[string]int{"b": n, "a": n}, text, n,
		}).Draw(t, "body")
		got, err := eddy.JSON(body)
		want, wantErr := json.Marshal(body, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.PreserveRawStrings(true), json.Deterministic(true))
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%#v: error %v, want %v", body, err, wantErr)
		}
		if err == nil && !same(t, got, want) {
			t.Fatalf("%#v: %s, want %s", body, got, want)
		}
	})
}

// same compares values: the library writes a line feed as \n, we as \u000a.
func same(t *rapid.T, a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	canonical := func(text []byte) []byte {
		v := jsontext.Value(bytes.Clone(text))
		if err := v.Format(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsontext.CanonicalizeRawInts(false)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return v
	}
	return bytes.Equal(canonical(a), canonical(b))
}

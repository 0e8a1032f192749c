package body

import (
	stdjson "encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

type raw []byte // as eddy.Raw

func TestMarshal(t *testing.T) {
	type inner struct {
		Z int    `json:"z"`
		A string `json:"a,omitzero"`
	}
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"bytes are text":              {[]byte(`{"b":1, "a":2.0}`), `{"b":1, "a":2.0}`},
		"so is json.RawMessage":       {stdjson.RawMessage(`{"a":1e3}`), `{"a":1e3}`},
		"so is a type of its own":     {raw(`{"a":"\ud800"}`), `{"a":"\ud800"}`},
		"no bytes":                    {[]byte(nil), ``},
		"text within a value":         {map[string]any{"a": stdjson.RawMessage(`{"z":1.0,"z":2}`)}, `{"a":{"z":1.0,"z":2}}`},
		"bytes within a value":        {map[string]any{"a": []byte("hi")}, `{"a":"aGk="}`},
		"a map is sorted":             {map[string]int{"c": 3, "a": 1, "b": 2}, `{"a":1,"b":2,"c":3}`},
		"a struct is not":             {inner{Z: 1, A: "<&>é"}, `{"z":1,"a":"<&>é"}`},
		"a pointer":                   {&inner{}, `{"z":0}`},
		"nil":                         {nil, `null`},
		"an integer beyond 2^53":      {map[string]int64{"a": 1<<53 + 1}, `{"a":9007199254740993}`},
		"a slice that is nil":         {map[string][]int{"a": nil}, `{"a":[]}`},
		"a string that is not UTF-8":  {map[string]string{"a": "x\xff"}, "{\"a\":\"x\ufffd\"}"},
		"an array of bytes is base64": {[2]byte{'h', 'i'}, `"aGk="`},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Marshal(test.value); err != nil || string(got) != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
	for _, value := range []any{make(chan int), func() {}, map[string]any{"a": make(chan int)}} {
		if got, err := Marshal(value); err == nil {
			t.Errorf("%T becomes %s", value, got)
		}
	}
	if got, err := Encode([]byte("hi")); err != nil || string(got) != `"aGk="` {
		t.Errorf("Encode: %s, %v", got, err)
	}
}

func TestUnmarshal(t *testing.T) {
	type body struct {
		Key   string   `json:"key"`
		Value int      `json:"value"`
		List  []int    `json:"list"`
		In    struct{} `json:"in"`
	}
	for _, test := range []struct{ text, err string }{
		{`{"key":"a","value":7,"list":[1]}`, ""},
		{`{"unknown":{"x":[null]},"value":7}`, ""},
		{`{"value":1,"value":7}`, ""},
		{`{"value":"7"}`, "a string is not what was expected at /value"},
		{`{"value":7.5}`, "a number is not what was expected at /value"},
		{`{"key":7}`, "a number is not what was expected at /key"},
		{`{"key":true}`, "true is not what was expected at /key"},
		{`{"list":[1,{}]}`, "an object is not what was expected at /list/1"},
		{`{"list":[1,[]]}`, "an array is not what was expected at /list/1"},
		{`[]`, "an array is not what was expected here"},
	} {
		var b body
		err := Unmarshal([]byte(test.text), &b)
		if (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%s: %v, want %q", test.text, err, test.err)
		}
		var cause *json.SemanticError
		if err != nil && !errors.As(err, &cause) {
			t.Errorf("%s: the error does not wrap its cause", test.text)
		}
		if err == nil && b.Value != 7 {
			t.Errorf("%s: %+v", test.text, b)
		}
	}
	if err := Unmarshal([]byte(`{"a"`), new(body)); err == nil {
		t.Error("half an object is decoded")
	}
}

// A value that is encoded and decoded is the same, and its text does not depend on the order
// of a map.
func TestRoundTrip(t *testing.T) {
	type value struct {
		Text  string            `json:"text"`
		Int   int64             `json:"int"`
		Float float64           `json:"float"`
		Map   map[string]uint64 `json:"map"`
		List  []bool            `json:"list"`
	}
	rapid.Check(t, func(t *rapid.T) {
		v := value{
			Text:  rapid.String().Draw(t, "text"),
			Int:   rapid.Int64().Draw(t, "int"),
			Float: rapid.Float64Range(-1e300, 1e300).Draw(t, "float"),
			Map:   rapid.MapOfN(rapid.String(), rapid.Uint64(), 0, 5).Draw(t, "map"),
			List:  rapid.SliceOfN(rapid.Bool(), 1, 5).Draw(t, "list"),
		}
		text, err := Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var got value
		if err := Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%+v becomes %s, then %+v, %v", v, text, got, err)
		}
		again, err := Marshal(got)
		if err != nil || string(again) != string(text) {
			t.Fatalf("%s becomes %s, %v", text, again, err)
		}
	})
}

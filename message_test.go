package eddy_test

import (
	"encoding/json"
	"testing"

	"github.com/eddyrpc/eddy"
)

// Marshal returns JSON text as it is, and encodes every other value.
func TestMarshal(t *testing.T) {
	type text []byte
	type body struct {
		Type string         `json:"type"`
		Raw  eddy.Raw       `json:"raw"`
		Map  map[string]int `json:"map,omitempty"`
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{eddy.Raw(`{"b": 1e400, "a":"\ud800"}`), `{"b": 1e400, "a":"\ud800"}`},
		{json.RawMessage("{ \"a\":\t1}"), "{ \"a\":\t1}"},
		{[]byte(`{"a" : 1}`), `{"a" : 1}`},
		{text(`{"a" : 1}`), `{"a" : 1}`},
		{eddy.Raw(`not JSON`), `not JSON`}, // the node refuses it when it is sent
		{body{"t", eddy.Raw(`[1.0, "\ud800"]`), map[string]int{"b": 1, "a": 2}}, `{"type":"t","raw":[1.0,"\ud800"],"map":{"a":2,"b":1}}`},
		{&body{Type: "<&>", Raw: eddy.Raw(`{"x":1,"x":2}`)}, `{"type":"<&>","raw":{"x":1,"x":2}}`},
		{body{}, `{"type":"","raw":null}`},
		{map[string]any{"n": int64(9007199254740993), "b": []byte("ab")}, `{"b":"YWI=","n":9007199254740993}`},
		{nil, `null`},
	} {
		if got, err := eddy.Marshal(c.value); string(got) != c.want || err != nil {
			t.Errorf("Marshal(%#v) is %s, %v, want %s", c.value, got, err, c.want)
		}
	}
	for _, value := range []any{func() {}, make(chan int), body{Raw: eddy.Raw(`{`)}, map[string]any{"a": eddy.Raw(`1 2`)}} {
		if got, err := eddy.Marshal(value); err == nil {
			t.Errorf("Marshal(%#v) is %s", value, got)
		}
	}
	given := eddy.Raw(`{"type":"t"}`)
	if got, _ := eddy.Marshal(given); &got[0] != &given[0] {
		t.Error("Marshal copies a Raw")
	}
}

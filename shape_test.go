package eddy

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy/internal/wire"
)

// What is known of a body that was encoded here is what reading it tells.
func TestEncodedAsRead(t *testing.T) {
	type answer struct {
		N    int    `json:"n"`
		Type string `json:"type"`
		Raw  Raw    `json:"raw"`
	}
	type first struct {
		Type string `json:"type"`
		Yes  bool   `json:"yes"`
	}
	type typeless struct{ Raw Raw }
	type numbered struct {
		Type string `json:"type"`
		ID   int    `json:"msg_id"`
	}
	type termed struct {
		Type string `json:"type"`
		Call string `json:"call"`
	}
	type oddType struct {
		Type int `json:"type"`
	}
	nested := func(depth int) Raw { return Raw(strings.Repeat("[", depth) + strings.Repeat("]", depth)) }
	var reused text
	reused.buf = make([]byte, 0, 16)
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "read_ok", `a"b`, `\`, "\n", "\xff"})).Draw(t, "type")
		raw := rapid.SampledFrom([]Raw{
			nil, Raw(`{"a":1}`), Raw(`{"a": 1}`), Raw(` 1`), Raw("1\n"), Raw(`"a b"`), Raw(`"\""`), Raw(`{`), Raw(`1,2`), Raw(`1}`),
			nested(998), nested(999),
		}).Draw(t, "raw")
		body := rapid.SampledFrom([]any{
			answer{1, typ, raw}, &answer{2, typ, raw}, first{typ, true}, typeless{raw}, numbered{typ, 1}, termed{typ, "x"}, oddType{1}, struct{}{},
			map[string]any{"type": typ, "raw": raw}, map[string]any{"msg_id": 1},
		}).Draw(t, "body")
		got, err := reused.encode(body)
		text, wantErr := JSON(body)
		var want wire.Body
		if wantErr == nil {
			want, wantErr = wire.ReadBody(bytes.Clone(text))
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%+v: error %v, want %v", body, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v:\ngot  %+v\nwant %+v", body, got, want)
		}
	})
}

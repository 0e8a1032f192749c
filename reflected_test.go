package eddy

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/eddyrpc/eddy/internal/wire"
)

type odd string

type loud string

func (loud) MarshalText() ([]byte, error) { return []byte("loud"), nil }

// A body of any type is written as if encoding/json/v2 had encoded it and it had then
// been read.
func TestEncodedAsBySlowWay(t *testing.T) {
	names := []string{"type", "Type", "TYPE", "msg_id", "in_reply_to", "call", "deadline_ms", "retry", "a", "b_1", "a,omitempty", "-", "é", "a b", "", "typ", "types", ",omitzero", "'type'", ",string"}
	types := []reflect.Type{
		reflect.TypeFor[string](), reflect.TypeFor[odd](), reflect.TypeFor[loud](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](),
		reflect.TypeFor[int64](), reflect.TypeFor[Raw](), reflect.TypeFor[uint8](), reflect.TypeFor[float64](), reflect.TypeFor[[]byte](), reflect.TypeFor[[]int](),
		reflect.TypeFor[any](), reflect.TypeFor[*string](), reflect.TypeFor[map[string]int](), reflect.TypeFor[struct{ Type string }](),
	}
	texts := []string{"", "x", "read_ok", `a"b`, `\`, "\n", "\xff", "\u2028", "<&>", "a b", ", :", "\x7f\x00"}
	nested := func(n int) Raw { return Raw(strings.Repeat(`[`, n) + strings.Repeat("]", n)) }
	raws := []Raw{nil, {}, Raw(`1`), Raw(` 1`), Raw(`{"a": 1}`), Raw(`"a b"`), Raw(`[1,[2, 3]]`), Raw(`{`), Raw(`1 2`), Raw(`1,"type":"y"`), Raw("\"\xff\""), Raw(`"\ud800"`), Raw(`"x"`), Raw(`{"a":1,"a":2}`),
		nested(997), nested(998), nested(999), nested(1000), Raw(`{"type":"in"}`), Raw(`1e400`), Raw(` `), Raw("\t\"é\"\n")}
	known := 0
	for range 3_000 {
		var fields []reflect.StructField
		for i := range rand.IntN(5) {
			f := reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: types[rand.IntN(len(types))]}
			if rand.IntN(2) == 0 {
				f.Type = types[[]int{0, 3, 4, 7}[rand.IntN(4)]]
			}
			if rand.IntN(8) > 0 {
				f.Tag = reflect.StructTag(fmt.Sprintf(`json:%q`, names[rand.IntN(len(names))]))
			} else if rand.IntN(4) == 0 {
				f.Name = []string{"Type", "Call", "Retry"}[rand.IntN(3)] + fmt.Sprint(i)
			}
			fields = append(fields, f)
		}
		v := reflect.New(reflect.StructOf(fields)).Elem()
		for i := range fields {
			f := v.Field(i)
			switch {
			case f.Kind() == reflect.String:
				f.SetString(texts[rand.IntN(len(texts))])
			case f.Type() == reflect.TypeFor[Raw]():
				f.Set(reflect.ValueOf(raws[rand.IntN(len(raws))]))
			case f.CanInt():
				f.SetInt(rand.Int64() - 1<<62)
			}
		}
		body := v.Interface()
		if rand.IntN(2) == 0 {
			body = v.Addr().Interface()
		}
		var text text
		got, err := text.encode(body)
		raw, wantErr := json.Marshal(body, jsonOptions)
		var want wire.Body
		if wantErr == nil {
			want, wantErr = wire.ReadBody(bytes.Clone(raw))
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%T %+v: error %v, want %v", body, body, err, wantErr)
		}
		if err != nil {
			continue
		}
		known++
		if string(got.Type) != string(want.Type) || (got.Type == nil) != (want.Type == nil) || got.HasTerms != want.HasTerms {
			t.Fatalf("%T %+v:\ngot  %+v\nwant %+v", body, body, got, want)
		}
		for _, d := range []wire.Dialect{{}, {Spaced: true}} {
			typ := ""
			if got.Type == nil || rand.IntN(2) == 0 {
				typ = "forced"
			}
			g, w := d.AppendFields(nil, typ, &got), d.AppendFields(nil, typ, &want)
			if !bytes.Equal(g, w) {
				t.Fatalf("%T %+v:\ngot  %s\nwant %s", body, body, g, w)
			}
		}
	}
	t.Log(known, "were valid")
}

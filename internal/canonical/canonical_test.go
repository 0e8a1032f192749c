package canonical

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestJSON(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		equal bool
	}{
		{`1`, ` 1 `, true},
		{`1`, `1.0`, true},
		{`1`, `1e0`, true},
		{`1`, `10E-1`, true},
		{`10`, `1e+1`, true},
		{`-2.50`, `-25e-1`, true},
		{`0.001`, `1e-3`, true},
		{`1.5`, `15`, false},
		{`1.5`, `1.05`, false},
		{`-1`, `1.0`, false},
		{`0`, `0.00e7`, true},
		{`1e400`, `1e401`, false},
		{`1e400`, `10e399`, true},
		{`1e-400`, `0.1e-399`, true},
		{`1e-400`, `0`, false},
		{`1e99999999999999999999`, `1e99999999999999999999`, true},
		{`1e99999999999999999999`, `1e99999999999999999998`, false},
		{`{"a\\":1.0,"b":[1e0,"1.0"]}`, `{"b":[1,"1.0"],"a\\":1}`, true},
		{`"1.0"`, `"1"`, false},
		{`"\ud800 1.0"`, `"\ud800 1"`, false},
		{`["\ud800",1.0]`, `["\ud800",1]`, true},
		{`9007199254740993.0`, `9007199254740993`, true},
		{`9007199254740993.0`, `9007199254740992.0`, false},
		{`9007199254740993`, `9007199254740992`, false},
		{`0`, `-0`, true},
		{`1`, `"1"`, false},
		{`"a/é"`, `"\u0061\/\u00e9"`, true},
		{`{"a":1,"b":[2,3]}`, ` { "b" : [ 2, 3 ] , "\u0061":1 } `, true},
		{`[{"a":1,"b":2}]`, `[{"b":2,"a":1}]`, true},
		{`[1,2]`, `[2,1]`, false},
		{`{"a":1,"a":2}`, `{"a":2,"a":1}`, true},
		{`{"a":1,"a":2}`, `{"a":2}`, false},
		{`"\ud800"`, `"\ud801"`, false},
		{`"\ud800"`, `"\ufffd"`, false},
		{`{"b": "\ud800", "a": 1}`, `{"a":1,"b":"\ud800"}`, true},
		{`not JSON`, `not JSON`, true},
		{`not JSON`, `not  JSON`, false},
	} {
		if equal := JSON(test.a) == JSON(test.b); equal != test.equal {
			t.Errorf("%s and %s: equal is %v, want %v", test.a, test.b, equal, test.equal)
		}
	}
}

// Numbers are shown as people write them, and integers stay as they are.
func TestNumbers(t *testing.T) {
	long := strings.Repeat("7", 99)
	for text, want := range map[string]string{
		"7": "7", "-12": "-12", "1.50": "1.5", "1e2": "100", "25e-3": "0.025", "12.5e1": "125", "-0.0": "0",
		"1e400": "1e400", "12e400": "12e400", "1.5e-300": "15e-301",
		long + "7": long + "7", long + "70": strings.Repeat("7", 100) + "e1", long + "7.0": long + "7",
	} {
		if got := JSON(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Two numbers have the same form exactly if they are equal.
func TestNumbersAreExact(t *testing.T) {
	number := rapid.Custom(func(t *rapid.T) string {
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number")
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if equal := JSON(a) == JSON(b); equal != (x.Cmp(y) == 0) {
			t.Fatalf("%s and %s: %s and %s", a, b, JSON(a), JSON(b))
		}
		again, ok := new(big.Rat).SetString(JSON(a))
		if !ok || again.Cmp(x) != 0 {
			t.Fatalf("%s became %s", a, JSON(a))
		}
	})
}

func TestInt(t *testing.T) {
	for text, want := range map[string]int64{
		"7": 7, "-7": -7, "7.0": 7, "70e-1": 7, "0.7E1": 7, "-0": 0, "-0.0": 0,
		"9223372036854775807": math.MaxInt64, "9223372036854775807.0": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		if got, ok := Int(text); got != want || !ok {
			t.Errorf("%s: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "null", "true", `"7"`, "[7]", "7.5", "1e-1", "9223372036854775808", "1e400", "7 7"} {
		if got, ok := Int(text); ok {
			t.Errorf("%s: %d", text, got)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	value := []byte(`{"type":"echo_ok","echo":"hello","in_reply_to":2,"msg_id":1}`)
	b.ReportAllocs()
	for b.Loop() {
		JSON(value)
	}
}

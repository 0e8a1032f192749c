package wire

import (
	"errors"
	"slices"
	"testing"
)

func TestParseInt(t *testing.T) {
	for _, tt := range []struct {
		raw string
		n   int64
		ok  bool
	}{
		{"0", 0, true},
		{"7", 7, true},
		{"-1", -1, true},
		{"9007199254740993", 1<<53 + 1, true},
		{"9223372036854775807", 1<<63 - 1, true},
		{"9223372036854775808", 0, false},
		{"9999999999999999999", 0, false},
		{"10000000000000000000", 0, false},
		{"18446744073709551616", 0, false},
		{"-9223372036854775808", -1 << 63, true},
		{"-9223372036854775809", 0, false},
		{"-9223372036854775807", -1<<63 + 1, true},
		{"", 0, false},
		{"-", 0, false},
		{"-0", 0, false},
		{"00", 0, false},
		{"01", 0, false},
		{"-01", 0, false},
		{"+1", 0, false},
		{"--1", 0, false},
		{"1.0", 0, false},
		{"1e3", 0, false},
		{"1 ", 0, false},
		{`"1"`, 0, false},
		{"null", 0, false},
		{"{}", 0, false},
	} {
		if n, ok := ParseInt([]byte(tt.raw)); ok != tt.ok || ok && n != tt.n {
			t.Errorf("%s: got %d, %v, want %d, %v", tt.raw, n, ok, tt.n, tt.ok)
		}
	}
}

func TestValid(t *testing.T) {
	for raw, want := range map[string]Error{
		`null`:                  {},
		" [1, {\"a\": \"\"}]\n": {},
		`{"a":1,"a":2}`:         {},
		nested(1000):            {},
		``:                      {"not JSON: unexpected end of the line", 0},
		`nulL`:                  {"not JSON: expected null", 3},
		`1 2`:                   {"not JSON: unexpected text after the value", 2},
		`{} x`:                  {"not JSON: unexpected text after the value", 3},
		nested(1001):            {"not JSON: nested deeper than 1,000", 1000},
	} {
		err := Valid([]byte(raw))
		if want == (Error{}) && err == nil {
			continue
		}
		var got *Error
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%.50s: got %v, want %v", raw, err, want)
		}
	}
}

func TestStrings(t *testing.T) {
	for raw, want := range map[string][]string{
		`[]`:                              {},
		" [ ] ":                           {},
		`["n1"]`:                          {"n1"},
		" [ \"n1\" ,\t\"n\\u0032\",\"\"]": {"n1", "n2", ""},
		`["a","b" ]`:                      {"a", "b"},
		`null`:                            nil,
		`{}`:                              nil,
		`"n1"`:                            nil,
		`[1]`:                             nil,
		`["n1",null]`:                     nil,
		`["n1",["n2"]]`:                   nil,
	} {
		got, ok := Strings([]byte(raw))
		if ok != (want != nil) || !slices.Equal(got, want) || ok && got == nil {
			t.Errorf("%s: got %q, %v, want %q", raw, got, ok, want)
		}
	}
}

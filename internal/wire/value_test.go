package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func TestUnquote(t *testing.T) {
	for raw, want := range map[string]string{
		`""`:                     "",
		`"plain é 日本"`:           "plain é 日本",
		`"\"\\\/\b\f\n\r\t"`:     "\"\\/\b\f\n\r\t",
		`"\u0000\u001F\u007f"`:   "\x00\x1f\x7f",
		`"a\u00e9\u00E9\uABcd."`: "aéé\uabcd.",
		`"\ud83d\ude00"`:         "😀",
		`"\uDBFF\uDFFF"`:         "\U0010ffff",
		// Lone surrogates:
		`"\ud83d"`:             "\ufffd",
		`"\ude00"`:             "\ufffd",
		`"\ud83dx"`:            "\ufffdx",
		`"\ud83d\n"`:           "\ufffd\n",
		`"\ud83d\u0041"`:       "\ufffdA",
		`"\ude00\ud83d"`:       "\ufffd\ufffd",
		`"\ud83d\ud83d\ude00"`: "\ufffd😀",
		`"\ud83d\\ude00"`:      "\ufffd\\ude00",
		`"\ufffd"`:             "\ufffd",
	} {
		if got := Unquote([]byte(raw)); string(got) != want || got == nil {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}

func TestAppendQuote(t *testing.T) {
	for s, want := range map[string]string{
		"":                       `""`,
		"plain é 日本 😀 /<>&":      `"plain é 日本 😀 /<>&"`,
		"\"\\":                   `"\"\\"`,
		"\n\r\t\b\f\x00\x1f\x7f": `"\n\r\t\u0008\u000c\u0000\u001f` + "\x7f" + `"`,
		"\u2028\ufffd":           "\"\u2028\ufffd\"",
		"a\xffb\xc3":             "\"a\ufffdb\ufffd\"",
		"\xed\xa0\x80":           "\"\ufffd\ufffd\ufffd\"",
		"é\xff\n":                "\"é\ufffd\\n\"",
	} {
		if got := AppendQuote([]byte("x"), s); string(got) != "x"+want {
			t.Errorf("%q: got %s, want x%s", s, got, want)
		}
	}
}

// FuzzQuote: what AppendQuote writes is a string that means the same, to jsontext
// as well; and the two decode any spelling alike.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "c1", "\"\\\n\x00\x7fé😀\xff", `\ud83d\ude00\ud800\n`, `\\u12`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw := AppendQuote(nil, s)
		want := string([]rune(s)) // each byte that is no UTF-8 becomes U+FFFD
		if got := Unquote(raw); string(got) != want {
			t.Fatalf("%s became %q, want %q", raw, got, want)
		}
		if got, err := jsontext.AppendUnquote(nil, raw); err != nil || string(got) != want {
			t.Fatalf("%s is %q to jsontext, %v; want %q", raw, got, err, want)
		}
		spelled := []byte(`"` + s + `"`)
		if Valid(spelled) != nil {
			return
		}
		decoded, _ := jsontext.AppendUnquote(nil, spelled) // errors are lone surrogates
		if got := Unquote(spelled); !bytes.Equal(got, decoded) || !utf8.Valid(got) {
			t.Fatalf("%s is %q, to jsontext %q", spelled, got, decoded)
		}
	})
}

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
		`1 2`:                   {"not JSON: something follows the value", 2},
		`{} x`:                  {"not JSON: something follows the value", 3},
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

func TestMember(t *testing.T) {
	for _, tt := range []struct{ raw, name, want string }{
		{`{"a":1}`, "a", `1`},
		{`{"a":1}`, "b", ``},
		{`{"a":1}`, "", ``},
		{`{"":2}`, "", `2`},
		{`{ }`, "a", ``},
		{" { \"a\" :\t{ \"b\" : [ ] } , \"c\" : \"x, \\\"\" } ", "a", `{ "b" : [ ] }`},
		{" { \"a\" :\t{ \"b\" : [ ] } , \"c\" : \"x, \\\"\" } ", "b", ``},
		{" { \"a\" :\t{ \"b\" : [ ] } , \"c\" : \"x, \\\"\" } ", "c", `"x, \""`},
		{`{"a":1,"b":2,"a":3}`, "a", `3`},
		{`{"a":1,"\u0061":null}`, "a", `null`},
		{`{"a\"":1e400}`, `a"`, `1e400`},
		{`{"a":` + nested(999) + `}`, "a", nested(999)},
		{`null`, "a", ``},
		{`[{"a":1}]`, "a", ``},
		{`"a"`, "a", ``},
		{``, "a", ``},
		// These are no JSON; nothing is found, nobody is hurt.
		{`{"a"`, "a", ``},
		{`{"a":`, "a", ``},
		{`{"a":1`, "a", `1`},
		{`{a:1}`, "a", ``},
	} {
		got := Member([]byte(tt.raw), tt.name)
		if string(got) != tt.want || (got == nil) != (tt.want == "") {
			t.Errorf("%.60s of %.60s: got %.60q, want %.60q", tt.name, tt.raw, got, tt.want)
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

// plainRun reads words of eight bytes; whatever stands where in them, it stops
// just where a reader of single bytes does.
func TestPlainRun(t *testing.T) {
	naive := func(text []byte, i int) int {
		for i < len(text) && text[i] >= ' ' && text[i] < utf8.RuneSelf && text[i] != '"' && text[i] != '\\' {
			i++
		}
		return i
	}
	for length := range 20 {
		for at := range length {
			for b := range 256 {
				for _, behind := range []byte{'x', ' ', '!', '#', '[', ']', 0x7f, '"', 0} {
					text := []byte(strings.Repeat(string('x'), length))
					text[at] = byte(b)
					if at+1 < length {
						text[at+1] = behind
					}
					for _, from := range []int{0, at / 2} {
						if got, want := plainRun(text, from), naive(text, from); got != want {
							t.Fatalf("%q from %d: got %d, want %d", text, from, got, want)
						}
					}
				}
			}
		}
	}
}

// BenchmarkMembers walks over the members of a relay's body.
func BenchmarkMembers(b *testing.B) {
	var m Message
	if err := m.Scan([]byte(relayLine)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		for range Members(m.Body.Raw) {
			n++
		}
		if n != 4 {
			b.Fatal(n)
		}
	}
}

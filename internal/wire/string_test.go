package wire

import (
	"bytes"
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

// FuzzQuote checks that Unquote and jsontext decode what AppendQuote writes, and that
// they decode any other string in the same way.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "c1", "\"\\\n\x00\x7fé😀\xff", `\ud83d\ude00\ud800\n`, `\\u12`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw := AppendQuote(nil, s)
		want := string([]rune(s)) // a byte that is not UTF-8 becomes U+FFFD
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
		decoded, _ := jsontext.AppendUnquote(nil, spelled) // an error means a lone surrogate
		if got := Unquote(spelled); !bytes.Equal(got, decoded) || !utf8.Valid(got) {
			t.Fatalf("%s is %q, to jsontext %q", spelled, got, decoded)
		}
	})
}

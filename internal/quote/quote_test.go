package quote

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain → é":                 "plain → é",
		`C:\new`:                    `C:\new`,
		"\xff\xfe":                  `\xff\xfe`,
		"\x1b[31mred\a\t\r":         `\x1b[31mred\a\t\r`,
		"\u009b31m\u202e\x7f\ufffe": `\u009b31m\u202e\x7f\ufffe`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if got := Lines("a\tb\n\x1bc\n"); got != "a\\tb\n\\x1bc\n" {
		t.Errorf("got %q", got)
	}
}

// What JSON returns is printable and has the same meaning.
func TestJSON(t *testing.T) {
	const text = `{"a":"` + "\u009b31m\u202e\x7f\U000e0001\ufffe é" + `"}`
	got := JSON(text)
	if want := `{"a":"\u009b31m\u202e\u007f\udb40\udc01\ufffe é"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var before, after any
	if err := json.Unmarshal([]byte(text), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &after); err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("%q became %q, %v", before, after, err)
	}
}

func TestExcerpt(t *testing.T) {
	for text, want := range map[string]string{
		"short\n":                       `short\n`,
		strings.Repeat("x", 200):        strings.Repeat("x", 200),
		strings.Repeat("x", 300):        strings.Repeat("x", 200) + "...",
		strings.Repeat("x", 199) + "é!": strings.Repeat("x", 199) + "...", // é would be cut
		strings.Repeat("\xbf", 300):     strings.Repeat(`\xbf`, 196) + "...",
	} {
		if got := Excerpt(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestShell(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"eddy", "test", "--loss=0.1"}, "eddy test --loss=0.1"},
		{[]string{"a b", "", "it's", "x$y"}, `'a b' '' 'it'\''s' 'x$y'`},
		{[]string{"n\u00e9", "日本"}, "né 日本"},
		{[]string{"a\nb'c\\d\u202e"}, `$'a\U0000000ab\'c\\d\U0000202e'`},
	} {
		if got := Shell(test.args...); got != test.want {
			t.Errorf("%q: got %s, want %s", test.args, got, test.want)
		}
	}
}

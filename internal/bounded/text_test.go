package bounded

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// A text is cut after as many bytes as it may have, and less than one character before.
func TestTextsAreCutBetweenCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, most := rapid.String().Draw(t, "text"), rapid.IntRange(0, 50).Draw(t, "most")
		got := Cut(text, most)
		if !strings.HasPrefix(text, got) || len(got) > most || !utf8.ValidString(got) {
			t.Fatalf("%q cut after %d bytes is %q", text, most, got)
		}
		if len(got) < min(len(text), most-utf8.UTFMax+1) {
			t.Fatalf("%q cut after %d bytes is only %q", text, most, got)
		}
		invalid := strings.Repeat("\xbf", most+10)
		if got := Cut(invalid, most); len(got) < most-utf8.UTFMax {
			t.Fatalf("%d bytes of %d are left of what is no UTF-8", len(got), most)
		}
	})
}

func TestNamesAndTextsAreShort(t *testing.T) {
	for _, c := range []struct {
		got  string
		want int
	}{
		{Name("n1"), 2}, {Name(strings.Repeat("n", 64)), 64}, {Name(strings.Repeat("n", 1<<20)), 64 + 3},
		{Text("busy"), 4}, {Text(strings.Repeat("t", 1024)), 1024}, {Text(strings.Repeat("t", 1<<20)), 1024 + 3},
	} {
		if len(c.got) != c.want {
			t.Errorf("%d bytes, want %d", len(c.got), c.want)
		}
	}
}

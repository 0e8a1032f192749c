package bounded

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Name keeps a name of up to 64 bytes, and Text a text of up to 1,024. They cut a longer one,
// and leave valid UTF-8 valid.
func TestNamesAndTextsAreShort(t *testing.T) {
	for most, short := range map[int]func(string) string{maxName: Name, maxText: Text} {
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.OneOf(rapid.StringN(0, most+20, -1), rapid.StringN(most-4, most+6, most+6),
				rapid.Map(rapid.SliceOfN(rapid.Byte(), most-4, most+20), func(b []byte) string { return string(b) })).Draw(t, "text")
			got := short(text)
			beginning, cut := strings.CutSuffix(got, "...")
			switch {
			case len(text) <= most:
				if got != text {
					t.Errorf("it is shortened to %q", got)
				}
			case !cut || !strings.HasPrefix(text, beginning) || len(beginning) > most || len(beginning) <= most-utf8.UTFMax:
				t.Errorf("it is shortened to %q", got)
			case utf8.ValidString(text) && !utf8.ValidString(got):
				t.Errorf("it is cut within a character: %q", got)
			}
		})
	}
}

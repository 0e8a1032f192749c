package workload

import (
	"math/bits"
	"strings"
)

// unusual returns what is added to the text of the n-th payload, as it stands in a JSON
// string. Most payloads get nothing. Every eighth one has letters of other alphabets or
// escapes. A few are longer than 64 KiB, which is the limit of some readers of lines:
// the 50th, 100th, 200th, 400th, ..., so that a fast test does not consist of them.
func unusual(n int64) string {
	switch {
	case n%50 == 0 && bits.OnesCount64(uint64(n/50)) == 1:
		return longText
	case n%8 == 4:
		return unusualTexts[n/8%int64(len(unusualTexts))]
	}
	return ""
}

var longText = ", " + strings.Repeat("0123456789", 7000)

var unusualTexts = []string{
	`, Grüße`,
	`, \"a\\b\" \/ c`,
	`, 日本語`,
	`, \u0041\u00e9\u4e2d`,
	`, 😀`,
	`, \ud83d\ude00`,
	`, Ελληνικά, עברית, العربية`,
	`, \n\t\b\f\r\u001f`,
	`, <b>&amp;</b> 'x'`,
	`, é (e and an accent)`,
	`, {\"type\":\"echo\"}`,
	`,  `,
	"\u2028 \\u2028",
	`, %s %d $HOME`,
}

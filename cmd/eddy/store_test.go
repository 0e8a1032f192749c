package main

import "testing"

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 KB", 1500: "1.5 KB", 999_600: "1 MB", 12_345_678: "12.3 MB", 2_500_000_000: "2.5 GB", 5e15: "5e+03 TB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
}

// Only the verdict has a colour, and only on a terminal, which a test has not.
func TestColouredVerdict(t *testing.T) {
	for text, want := range map[string]string{
		"PASS  echo": "\x1b[1;32mPASS\x1b[0m  echo", "FAIL: lost.": "\x1b[1;31mFAIL\x1b[0m: lost.",
		"UNKNOWN: x": "\x1b[1;33mUNKNOWN\x1b[0m: x", "3 seeds": "3 seeds",
	} {
		if got := withColour(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

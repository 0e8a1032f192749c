// Package golden compares files in the repository with what tests generate. With the
// flag -rewrite a test writes the file instead; make generate runs all such tests.
package golden

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	_ "github.com/cockroachdb/datadriven" // defines the flag, for transcripts too
	"github.com/google/go-cmp/cmp"
)

// Rewrite reports whether the flag -rewrite is set.
func Rewrite() bool {
	return flag.Lookup("rewrite").Value.(flag.Getter).Get().(bool)
}

// File fails the test if the file differs from want. With -rewrite it writes the file.
func File(t testing.TB, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil && !Rewrite() {
		t.Fatal(err)
	}
	if string(got) == want {
		return
	}
	if !Rewrite() {
		t.Errorf("%s differs from what the test generates; make generate rewrites it (-file +generated)\n%s", path, cmp.Diff(string(got), want))
		return
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Section is File for the section of a file that stands between the lines
// "<!-- name: generated -->" and "<!-- /name -->".
func Section(t testing.TB, path, name, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)(<!-- ` + name + `: generated -->\n).*?(<!-- /` + name + ` -->)`)
	at := section.FindAllSubmatchIndex(text, -1)
	if len(at) != 1 {
		t.Fatalf("%s has %d sections %q, want 1", path, len(at), name)
	}
	begin, end := at[0][3], at[0][4]
	File(t, path, strings.Join([]string{string(text[:begin]), want, string(text[end:])}, ""))
}

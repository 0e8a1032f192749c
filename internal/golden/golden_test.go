package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A recorder is a test that notes its failure.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func setRewrite(t *testing.T, value string) {
	old := flag.Lookup("rewrite").Value.String()
	if err := flag.Set("rewrite", value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set("rewrite", old) })
}

func TestSection(t *testing.T) {
	const before = "a\n<!-- table: generated -->\nold\n<!-- /table -->\nb\n"
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}

	setRewrite(t, "false")
	r := &recorder{TB: t}
	Section(r, path, "table", "new $1\n")
	if text, _ := os.ReadFile(path); !r.failed || string(text) != before {
		t.Errorf("without -rewrite: failed %v, the file is %q", r.failed, text)
	}

	setRewrite(t, "true")
	Section(t, path, "table", "new $1\n")
	setRewrite(t, "false")
	Section(t, path, "table", "new $1\n")
	want := strings.Replace(before, "old", "new $1", 1)
	if text, _ := os.ReadFile(path); string(text) != want {
		t.Errorf("with -rewrite: the file is %q, want %q", text, want)
	}
}

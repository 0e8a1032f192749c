package challenge

import (
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/golden"
)

const docs = "../../docs/challenges.md"

// Program returns the cells of a table for the example that is tested: a link to it, and
// its lines of code, without blank lines and comments.
func Program(t testing.TB) string {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			sum += lines(t, file)
		}
	}
	name := filepath.Base(here)
	return fmt.Sprintf("[%s](../examples/%s/main.go) | %d", name, name, sum)
}

// lines counts the lines of a file that have code.
func lines(t testing.TB, path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	file := files.AddFile(path, -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, 0)
	with := map[int]bool{}
	for {
		pos, tok, literal := s.Scan()
		switch {
		case tok == token.EOF:
			return len(with)
		case tok == token.SEMICOLON && literal == "\n": // the scanner has added it
		default:
			with[file.Line(pos)] = true
		}
	}
}

// Row checks the row of docs/challenges.md whose first cell is first: the other cells
// must be rest.
func Row(t testing.TB, first, rest string) {
	t.Helper()
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(first) + ` \|.*$`)
	want := fmt.Sprintf("| %s | %s |", first, rest)
	switch got := row.FindAll(text, -1); {
	case len(got) != 1:
		t.Errorf("docs/challenges.md has %d rows that begin with %q, want 1", len(got), first)
	case string(got[0]) == want:
	case golden.Rewrite():
		if err := os.WriteFile(docs, row.ReplaceAllLiteral(text, []byte(want)), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/challenges.md has\n%s\nbut measured was\n%s\nmake generate rewrites it", got[0], want)
	}
}

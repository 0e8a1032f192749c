package eddy

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/golden"
)

// The table of error codes in the docs is made from the one in the code.
func TestCodesInDocs(t *testing.T) {
	var table strings.Builder
	table.WriteString("| code | name | definite | what it tells |\n|---|---|---|---|\n")
	for _, c := range codes {
		definite := "no"
		if c.Definite {
			definite = "yes"
		}
		fmt.Fprintf(&table, "| %d | %s | %s | %s |\n", c.Code, c.Name, definite, c.Meaning)
	}
	golden.Section(t, "docs/protocol.md", "codes", table.String())
}

// fenced returns the text of each fenced block of a language in the README.
func fenced(t *testing.T, kind string) []string {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(m[1]))
	}
	if len(blocks) == 0 {
		t.Fatalf("the README has no block of %s", kind)
	}
	return blocks
}

// Every command of the README runs, and the first one prints what the README shows. The
// blocks of commands run at the same time, after all programs are built.
func TestReadmeCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a Unix shell")
	}
	t.Parallel()
	here := linkedCopy(t)
	var blocks [][]string
	for _, block := range fenced(t, "sh") {
		var others []string
		for line := range strings.Lines(strings.TrimSpace(block)) {
			switch line = strings.TrimSpace(line); {
			case strings.HasPrefix(line, "go build "):
				shell(t, here, line)
			case line != "go test ./...": // which runs this test
				others = append(others, line)
			}
		}
		blocks = append(blocks, others)
	}
	var all sync.WaitGroup
	for i, block := range blocks {
		all.Go(func() {
			for j, line := range block {
				out := shell(t, here, line)
				if i > 0 || j > 0 {
					continue
				}
				if diff := cmp.Diff(fenced(t, "json")[0], out); diff != "" {
					t.Errorf("%s (-README +got)\n%s", line, diff)
				}
			}
		})
	}
	all.Wait()
}

// shell runs a command and returns its output.
func shell(t *testing.T, dir, line string) string {
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", line, err, stderr.Bytes())
	}
	return string(out)
}

// linkedCopy returns a directory with links to all files of the project. What the commands
// of the README write there does not change the project.
func linkedCopy(t *testing.T) string {
	dir := t.TempDir()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		here, err := filepath.Abs(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "relay" || e.Name() == "eddy" {
			continue
		}
		if err := os.Symlink(here, filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The node in the README is examples/hello, which is compiled.
func TestReadmeNode(t *testing.T) {
	text, err := os.ReadFile("examples/hello/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(text), "package main")
	if diff := cmp.Diff("package main"+code, fenced(t, "go")[0]); diff != "" {
		t.Errorf("README.md and examples/hello differ (-example +README)\n%s", diff)
	}
}

// SECURITY.md names tests and transcripts, and each of them exists.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z]+|testdata/[a-z/.-]+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) == 0 {
		t.Fatal("it names none")
	}
	tests := testsOf(t)
	for _, m := range named {
		if _, err := os.Stat(m[1]); err != nil && !tests[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
}

// testsOf returns the names of all tests and fuzz targets of the repository.
func testsOf(t *testing.T) map[string]bool {
	tests := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declaration.FindAllSubmatch(text, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// docs/dependencies.md has a line for each direct dependency.
func TestDependenciesInDocs(t *testing.T) {
	page, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	requirement := regexp.MustCompile(`(?m)^\s(\S+) v\S+$`) // without // indirect
	for _, path := range []string{"go.mod", "bench/go.mod", "cmd/eddy/internal/page/front/go.mod"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range requirement.FindAllSubmatch(text, -1) {
			if name := string(m[1]); name != module && !bytes.Contains(page, []byte("`"+name+"`")) {
				t.Errorf("it has no line for %s (%s)", name, path)
			}
		}
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// A pair is a directory of tests, compiled with the official library, and with package
// maelstrom by a change of the import path. Each test runs in a process of its own, since
// some of them end it.
type pair struct {
	tests          []string
	official, ours string // programs
}

func compile(t *testing.T, dir string, flags ...string) pair {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || files == nil {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	var p pair
	build := func(path string) string {
		p.tests = nil
		out := t.TempDir()
		args := append([]string{"test", "-c", "-o", filepath.Join(out, "tests")}, flags...)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllStringSubmatch(string(text), -1) {
				p.tests = append(p.tests, match[1])
			}
			moved := filepath.Join(out, filepath.Base(file))
			if err := os.WriteFile(moved, []byte(strings.ReplaceAll(string(text), officialPath, path)), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, moved)
		}
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return filepath.Join(out, "tests")
	}
	p.official, p.ours = build(officialPath), build(ourPath)
	return p
}

func runTest(program, name string) (string, error) {
	cmd := exec.Command(program, "-test.run=^"+name+"$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // otherwise each ends a second later
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Each test of testdata/defects shows a defect of the official library. It fails with that
// library and passes with package maelstrom.
func TestDefects(t *testing.T) {
	longtest.Skip(t, "it builds tests with two libraries")
	const dir = "testdata/defects"
	plain, race := compile(t, dir), compile(t, dir, "-race")
	for _, name := range plain.tests {
		t.Run(name, func(t *testing.T) {
			p := plain
			if strings.Contains(name, "Race") {
				p = race // the other tests would fail there because of a race
			}
			if out, err := runTest(p.official, name); err == nil {
				t.Errorf("the official library passes:\n%s", out)
			}
			if out, err := runTest(race.ours, name); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	text, err := os.ReadFile("../docs/from-maelstrom.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, match := range regexp.MustCompile("(?m)^\\| `(Test\\w+)`").FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, match[1])
	}
	if !slices.Equal(listed, plain.tests) {
		t.Errorf("docs/from-maelstrom.md lists %q, want %q", listed, plain.tests)
	}
}

// Each test of testdata/moves does what programs do. It passes with both libraries.
func TestMoves(t *testing.T) {
	longtest.Skip(t, "it builds tests with two libraries and waits for seconds")
	p := compile(t, "testdata/moves")
	ours := compile(t, "testdata/moves", "-race").ours
	for _, name := range p.tests {
		t.Run(name, func(t *testing.T) {
			if out, err := runTest(p.official, name); err != nil {
				t.Errorf("the official library: %v\n%s", err, out)
			}
			if out, err := runTest(ours, name); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

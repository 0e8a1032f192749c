package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each test of testdata/defects is named after a defect of the official library:
// there it fails, and with only the import path changed it passes. Each runs in a
// process of its own, since some defects end it.
func TestDefects(t *testing.T) {
	text, err := os.ReadFile("testdata/defects/defects_test.go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	build := func(path string) string {
		file := filepath.Join(dir, "defects_test.go")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), officialPath, path)), 0o600); err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(dir, strings.ReplaceAll(path, "/", "_"))
		if out, err := exec.Command("go", "test", "-c", "-o", program, file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return program
	}
	official, ours := build(officialPath), build(ourPath)
	list, err := os.ReadFile("../docs/from-maelstrom.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`func (Test\w+)`).FindAllStringSubmatch(string(text), -1) {
		name := match[1]
		t.Run(name, func(t *testing.T) {
			if out, err := exec.Command(official, "-test.run=^"+name+"$", "-test.timeout=1m").CombinedOutput(); err == nil {
				t.Errorf("the official library passes:\n%s", out)
			}
			if out, err := exec.Command(ours, "-test.run=^"+name+"$", "-test.timeout=1m").CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if !strings.Contains(string(list), "`"+name+"`") {
				t.Error("docs/from-maelstrom.md does not list it")
			}
		})
	}
}

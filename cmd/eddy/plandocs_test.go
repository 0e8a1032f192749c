package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/golden"
	"github.com/eddyrpc/eddy/internal/longtest"
	"github.com/eddyrpc/eddy/retry"
)

const policiesPage = "../../docs/policies.md"

// A shown is a command on the page. The block below it is its output. The pictures up
// to the next command are what it draws. It runs only in long tests if its block begins with
// ```sh long.
type shown struct {
	long     bool
	command  string
	output   string
	pictures []picture
}

type picture struct{ title, path string }

var (
	shownBlocks   = regexp.MustCompile("(?s)```sh( long)?\n(.*?)\n```\n\n```text\n(.*?)```\n")
	shownPictures = regexp.MustCompile(`!\[(.*?)\]\((policies/.*?\.png)\)`)
)

// readShown returns the commands on the page.
func readShown(t *testing.T, page string) []shown {
	var all []shown
	blocks := shownBlocks.FindAllStringSubmatchIndex(page, -1)
	for i, at := range blocks {
		end := len(page)
		if i+1 < len(blocks) {
			end = blocks[i+1][0]
		}
		s := shown{long: at[2] >= 0, command: page[at[4]:at[5]], output: page[at[6]:at[7]]}
		for _, p := range shownPictures.FindAllStringSubmatch(page[at[1]:end], -1) {
			s.pictures = append(s.pictures, picture{p[1], filepath.Join(filepath.Dir(policiesPage), filepath.FromSlash(p[2]))})
		}
		all = append(all, s)
	}
	if commands := strings.Count(page, "```sh"); len(all) == 0 || commands != len(all) {
		t.Fatalf("%d commands, of which %d are followed by their output", commands, len(all))
	}
	return all
}

// run runs the command in the directory that the page names. If the command has
// pictures, it also writes an HTML page.
func (s *shown) run(t *testing.T) (output, drawn string) {
	command := s.command
	into := filepath.Join(t.TempDir(), "page.html")
	if len(s.pictures) > 0 {
		command = strings.Replace(command, "eddy plan", "eddy plan --html '"+into+"'", 1)
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = "../../docs/policies"
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s", command, err, stderr.Bytes())
	}
	if len(s.pictures) > 0 {
		text, err := os.ReadFile(into)
		if err != nil {
			t.Fatal(err)
		}
		drawn = string(text)
	}
	return stdout.String(), drawn
}

// Every command on the page about policies prints the output below it, and draws the
// charts that the pictures below show. The tests of front write the pictures.
func TestPoliciesPage(t *testing.T) {
	switch {
	case raceOn:
		t.Skip("millions of calls, all on one goroutine")
	case runtime.GOOS == "windows":
		t.Skip("the commands are for a Unix shell")
	case runtime.GOARCH != "amd64":
		t.Skip("other processors fuse multiplications and additions: last digits differ")
	}
	t.Parallel()
	text, err := os.ReadFile(policiesPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	seen := make(map[string]bool)
	all := readShown(t, page)
	printed := make([]string, len(all))
	t.Run("commands", func(t *testing.T) {
		for i, s := range all {
			for _, p := range s.pictures {
				seen[filepath.Base(p.path)] = true
			}
			t.Run(s.command, func(t *testing.T) {
				t.Parallel()
				if s.long && !golden.Rewrite() {
					longtest.Skip(t, "it takes more than a second")
				}
				var drawn string
				printed[i], drawn = s.run(t)
				if diff := cmp.Diff(s.output, printed[i]); diff != "" && !golden.Rewrite() {
					t.Errorf("(-page +printed)\n%s", diff)
				}
				for _, p := range s.pictures {
					if title, _ := json.Marshal(p.title); !strings.Contains(drawn, `"title":`+string(title)) {
						t.Errorf("no chart has the title %q", p.title)
					}
				}
			})
		}
	})
	if golden.Rewrite() {
		for i, s := range all {
			const between = "\n```\n\n```text\n"
			page = strings.Replace(page, s.command+between+s.output, s.command+between+printed[i], 1)
		}
		golden.File(t, policiesPage, page)
	}
	files, err := filepath.Glob("../../docs/policies/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if name := filepath.Base(path); !seen[name] && !strings.Contains(page, name) {
			t.Errorf("the page does not mention %s", name)
		}
	}
}

// The table of presets is generated from the code.
func TestPresetsInDocs(t *testing.T) {
	var table strings.Builder
	table.WriteString("| preset | purpose | policy |\n|---|---|---|\n")
	for _, name := range retry.Presets() {
		p, err := retry.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		form, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&table, "| `%s` | %s | `%s` |\n", name, retry.Purpose(name), form)
	}
	golden.Section(t, policiesPage, "presets", table.String())
}

// The page describes exactly the fields that --json writes, and has a heading for each
// field of a policy.
func TestFieldsInDocs(t *testing.T) {
	text, err := os.ReadFile(policiesPage)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "| field | meaning |\n|---|---|\n")
	if !ok {
		t.Fatal("the page has no table of the fields")
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	var described []string
	for _, line := range strings.Split(table, "\n") {
		for _, name := range regexp.MustCompile("`([a-z0-9_]+)`").FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
			described = append(described, name[1])
		}
	}
	written := jsonNames(reflect.TypeFor[planned]())
	slices.Sort(described)
	slices.Sort(written)
	if diff := cmp.Diff(written, described); diff != "" {
		t.Errorf("(-written +on the page)\n%s", diff)
	}
	headings := strings.Join(regexp.MustCompile(`(?m)^### .*$`).FindAllString(string(text), -1), " ")
	for _, name := range jsonNames(reflect.TypeFor[retry.Policy]()) {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(headings) {
			t.Errorf("the page has no heading for %s", name)
		}
	}
}

// jsonNames returns the names of a struct's fields in JSON, including those of embedded
// structs.
func jsonNames(typ reflect.Type) (names []string) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported():
		case field.Anonymous:
			names = append(names, jsonNames(field.Type)...)
		case name != "-":
			names = append(names, name)
		}
	}
	return names
}

// The tests that the page names exist.
func TestTestsInDocs(t *testing.T) {
	page, err := os.ReadFile(policiesPage)
	if err != nil {
		t.Fatal(err)
	}
	defined := make(map[string]bool)
	err = filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
			defined[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Z]\\w*)`").FindAllSubmatch(page, -1)
	if len(named) < 20 {
		t.Errorf("the page names %d tests", len(named))
	}
	for _, name := range named {
		if !defined[string(name[1])] {
			t.Errorf("there is no %s", name[1])
		}
	}
}

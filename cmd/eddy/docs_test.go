package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/internal/doctest"
	"github.com/eddyrpc/eddy/internal/golden"
	"github.com/eddyrpc/eddy/internal/report"
	"github.com/eddyrpc/eddy/internal/trial"
)

// The tables of violations and warnings are generated from those of the code.
func TestViolationsInDocs(t *testing.T) {
	var table strings.Builder
	table.WriteString("| check | what the node did | about messages only |\n|---|---|---|\n")
	for _, s := range trial.ViolationKinds {
		only := "no"
		if s.Protocol {
			only = "yes"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", s.Kind, s.Meaning, only)
	}
	golden.Section(t, "../../docs/faults.md", "violations", table.String())
	table.Reset()
	table.WriteString("| warning | what the node did |\n|---|---|\n")
	for _, s := range trial.WarningKinds {
		fmt.Fprintf(&table, "| `%s` | %s |\n", s.Kind, s.Meaning)
	}
	golden.Section(t, "../../docs/faults.md", "warnings", table.String())
}

// A schema is as much of JSON Schema as docs/results.schema.json uses.
type schema struct {
	Type       string            `json:"type"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
}

// The schema of results.json has the members that the code writes.
func TestResultsSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/results.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	compareSchema(t, "results", reflect.TypeFor[report.Results](), s)
}

func compareSchema(t *testing.T, path string, typ reflect.Type, s schema) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if want := jsonType(typ); s.Type != want {
		t.Errorf("%s: the schema says %q, the code writes %s", path, s.Type, want)
		return
	}
	switch s.Type {
	case "array":
		if s.Items == nil {
			t.Errorf("%s: the schema has no items", path)
			return
		}
		compareSchema(t, path+"[]", typ.Elem(), *s.Items)
	case "object":
		if typ.Kind() == reflect.Struct {
			compareMembers(t, path, typ, s)
		}
	}
}

func compareMembers(t *testing.T, path string, typ reflect.Type, s schema) {
	for i := range typ.NumField() {
		if !typ.Field(i).IsExported() {
			continue
		}
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		member, ok := s.Properties[name]
		if !ok {
			t.Errorf("%s: the schema lacks %s", path, name)
			continue
		}
		delete(s.Properties, name)
		if required := !strings.Contains(options, "omit"); required != slices.Contains(s.Required, name) {
			t.Errorf("%s.%s: always written is %v, and not so in the schema", path, name, required)
		}
		compareSchema(t, path+"."+name, typ.Field(i).Type, member)
	}
	for name := range s.Properties {
		t.Errorf("%s: the code writes no %s", path, name)
	}
}

func jsonType(typ reflect.Type) string {
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return "string"
	case typ.Kind() == reflect.Bool:
		return "boolean"
	case typ.Kind() == reflect.Float64:
		return "number"
	case typ.Kind() == reflect.String:
		return "string"
	case typ.Kind() == reflect.Slice:
		return "array"
	case typ.Kind() == reflect.Struct, typ.Kind() == reflect.Map:
		return "object"
	}
	return "integer"
}

// Every command of the documents runs, in a directory of its own with links to the files
// of the repository. The programs eddy and relay are this test. Other tests run the
// commands of README.md, policies.md, deploy.md and talk.md.
func TestDocuments(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a Unix shell")
	}
	t.Parallel()
	elsewhere := []string{"README.md", "policies.md", "deploy.md"}
	if raceOn {
		elsewhere = append(elsewhere, "performance.md", "challenges.md", "testing.md") // they measure, or compile WebAssembly; eddy is slow with the race detector
	}
	for path := range pages(t) {
		if name := filepath.Base(path); !slices.Contains(elsewhere, name) && hasCommands(t, path) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				doctest.Run(t, path, linkedCopyWithPrograms(t))
			})
		}
	}
}

// Every command of the README runs, and the first one prints what the README shows.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	const path = "../../README.md"
	here := doctest.LinkedCopy(t, "../..", "eddy")
	printed := doctest.Run(t, path, here, "GOSUMDB=off") // what is built here was checked before
	if d := diff.Diff(doctest.Of(t, path, "json")[0], printed[0]); d != "" {
		t.Errorf("the first command of README.md (-shown +printed)\n%s", d)
	}
}

func hasCommands(t *testing.T, path string) bool {
	for _, b := range doctest.Read(t, path) {
		if strings.HasPrefix(b.Kind, "sh") && b.Kind != "sh not run" {
			return true
		}
	}
	return false
}

func linkedCopyWithPrograms(t *testing.T) string {
	dir := doctest.LinkedCopy(t, "../..", "eddy")
	for _, name := range []string{"eddy", "relay"} {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pages returns the text of each document by its path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = string(text)
		}
	}
	return all
}

// Those commands that the documents show and no test runs have flags that exist.
func TestCommandsThatDoNotRun(t *testing.T) {
	count := 0
	for path, page := range pages(t) {
		for _, command := range doctest.NotRun(page) {
			if args, ok := strings.CutPrefix(command, "eddy "); ok {
				count++
				if _, err := newParser(&cli{}).Parse(strings.Fields(args)); err != nil {
					t.Errorf("%s: %s: %v", path, command, err)
				}
			}
		}
	}
	if count == 0 {
		t.Error("there is none")
	}
}

// Every flag that a sentence names is one of eddy or relay.
func TestFlagsInDocs(t *testing.T) {
	// Flags of Maelstrom, which from-maelstrom.md says are not here.
	known := map[string]bool{"consistency-models": true, "key-count": true, "max-txn-length": true, "max-writes-per-key": true}
	known["stop-timeout"], known["user"] = true, true // of docker run
	for _, command := range newParser(&cli{}).Model.Leaves(true) {
		for _, group := range command.AllFlags(true) {
			for _, f := range group {
				known[f.Name] = true
			}
		}
	}
	relay, err := os.ReadFile("../relay/flags.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`f\.\w+\(&[\w.]+, "([a-z-]+)"`).FindAllSubmatch(relay, -1) {
		known[string(m[1])] = true
	}
	block := regexp.MustCompile("(?ms)^```.*?^```")
	for path, page := range pages(t) {
		for _, m := range regexp.MustCompile(`[^\w-]--([a-z][a-z-]+)`).FindAllStringSubmatch(block.ReplaceAllString(page, ""), -1) {
			if !known[m[1]] {
				t.Errorf("%s: there is no flag --%s", path, m[1])
			}
		}
	}
}

package main

import (
	"go/importer"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	officialPath = "github.com/jepsen-io/maelstrom/demo/go"
	ourPath      = "github.com/eddyrpc/eddy/maelstrom"
)

func officialDir(t *testing.T) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", officialPath).Output()
	if err != nil {
		t.Fatalf("find the official library: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// Copies of the official library's tests pass with only the import path changed. They
// are not in this repository because of their licence.
func TestOfficialSuite(t *testing.T) {
	dir := t.TempDir()
	tests, _ := filepath.Glob(filepath.Join(officialDir(t), "*_test.go"))
	if len(tests) < 3 {
		t.Fatalf("the official library has %d files of tests", len(tests))
	}
	for _, name := range tests {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		moved := strings.ReplaceAll(string(text), officialPath, ourPath)
		if moved == string(text) && strings.Contains(moved, "maelstrom.") {
			t.Fatalf("%s imports nothing to be moved", name)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), []byte(moved), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	out, err := exec.Command("go", append([]string{"test", "-race", "-count=1", "-v"}, files...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if ran := strings.Count(string(out), "\n--- PASS"); ran < 9 {
		t.Errorf("only %d tests ran:\n%s", ran, out)
	}
}

// Every exported identifier of the official library is here, with its signature.
func TestMaelstromAPI(t *testing.T) {
	imports := importer.ForCompiler(token.NewFileSet(), "source", nil)
	theirs, err := imports.Import(officialPath)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := imports.Import(ourPath)
	if err != nil {
		t.Fatal(err)
	}
	signature := func(o types.Object) string {
		return types.ObjectString(o, func(*types.Package) string { return "" })
	}
	for _, name := range theirs.Scope().Names() {
		their := theirs.Scope().Lookup(name)
		if !their.Exported() {
			continue
		}
		our := ours.Scope().Lookup(name)
		if our == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		their1, isType := their.(*types.TypeName)
		if !isType {
			if a, b := signature(their), signature(our); a != b {
				t.Errorf("%s is %s, not %s", name, b, a)
			}
			if c, ok := their.(*types.Const); ok && our.(*types.Const).Val().ExactString() != c.Val().ExactString() {
				t.Errorf("%s has another value", name)
			}
			continue
		}
		for m := range types.NewMethodSet(types.NewPointer(their1.Type())).Methods() {
			compareMember(t, name, m.Obj(), our, signature)
		}
		s, ok := their1.Type().Underlying().(*types.Struct)
		if !ok {
			if a, b := their1.Type().Underlying().String(), our.Type().Underlying().String(); strings.ReplaceAll(a, officialPath, ourPath) != b {
				t.Errorf("%s is %s, not %s", name, b, a)
			}
			continue
		}
		for i := range s.NumFields() {
			if f := s.Field(i); f.Exported() {
				compareMember(t, name, f, our, signature)
				if a, b := s.Tag(i), tagOf(our, f.Name()); a != b {
					t.Errorf("%s.%s has the tag %q, not %q", name, f.Name(), b, a)
				}
			}
		}
	}
}

func tagOf(object types.Object, field string) string {
	if s, ok := object.Type().Underlying().(*types.Struct); ok {
		for i := range s.NumFields() {
			if s.Field(i).Name() == field {
				return s.Tag(i)
			}
		}
	}
	return "(no such field)"
}

func compareMember(t *testing.T, name string, their, our types.Object, signature func(types.Object) string) {
	if !their.Exported() {
		return
	}
	same, _, _ := types.LookupFieldOrMethod(types.NewPointer(our.Type()), true, our.Pkg(), their.Name())
	if same == nil {
		t.Errorf("%s.%s is missing", name, their.Name())
	} else if a, b := signature(their), signature(same); a != b {
		t.Errorf("%s.%s is %s, not %s", name, their.Name(), b, a)
	}
}

package eddy

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// publicPackages are those that programs import.
var publicPackages = []string{".", "retry", "maelstrom", "eddytest", "natsnet", "metrics"}

// Every exported type and function of the public packages has a doc comment and is used in
// an example, so that go doc and pkg.go.dev explain it and show its use. Every exported
// method has a comment, unless its name is well known.
func TestEverythingIsDocumentedAndShown(t *testing.T) {
	known := map[string]bool{"Error": true, "String": true, "Unwrap": true, "As": true}
	for _, dir := range publicPackages {
		pkg, shown := read(t, dir)
		see := func(name, comment string) {
			if comment == "" {
				t.Errorf("%s: %s has no doc comment", dir, name)
			}
			if !shown[name] {
				t.Errorf("%s: no example shows %s", dir, name)
			}
		}
		funcs := pkg.Funcs
		for _, typ := range pkg.Types {
			see(typ.Name, typ.Doc)
			funcs = append(funcs, typ.Funcs...)
			for _, m := range typ.Methods {
				if m.Doc == "" && !known[m.Name] {
					t.Errorf("%s: %s.%s has no doc comment", dir, typ.Name, m.Name)
				}
			}
		}
		for _, f := range funcs {
			see(f.Name, f.Doc)
		}
		if len(pkg.Doc) < 200 {
			t.Errorf("%s: the comment of the package is too short", dir)
		}
	}
}

// read returns a package and the names that its examples use.
func read(t *testing.T, dir string) (*doc.Package, map[string]bool) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || names == nil {
		t.Fatalf("%s: no files, %v", dir, err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	shown := map[string]bool{}
	for _, name := range names {
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			files = append(files, file)
			continue
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if of, ok := strings.CutPrefix(f.Name.Name, "Example"); ok {
				name, _, _ := strings.Cut(of, "_")
				shown[name] = true
				ast.Inspect(f.Body, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok {
						shown[id.Name] = true
					}
					return true
				})
			}
		}
	}
	pkg, err := doc.NewFromFiles(fset, files, dir)
	if err != nil {
		t.Fatal(err)
	}
	return pkg, shown
}

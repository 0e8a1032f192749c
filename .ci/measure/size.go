package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// A file is a Go file that is no test. Its build constraints do not matter.
type file struct {
	dir, name string
	lines     int
	syntax    *ast.File
	set       *token.FileSet
}

// readFiles returns the Go files in a directory and below it, except tests and testdata. It
// includes other modules.
func readFiles(root string) (files []file, err error) {
	set := token.NewFileSet()
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
		files = append(files, file{filepath.Dir(path), path, bytes.Count(text, []byte("\n")), syntax, set})
		return err
	})
	return files, err
}

// rootSize counts all lines, blank lines and comments included.
func (r *report) rootSize(files []file) {
	r.title("the root package, without tests")
	count, lines := 0, 0
	for _, f := range files {
		if f.dir == "." {
			count++
			lines += f.lines
		}
	}
	r.bound("files of the root package, without tests", count, maxRootFiles)
	r.bound("lines of these files", lines, maxRootLines)
}

// longFunctions counts the lines of a function from the line of func to the line of the closing
// brace. A function literal belongs to the function around it.
func (r *report) longFunctions(files []file) {
	r.title("functions over the bound, without tests")
	total := 0
	for _, f := range files {
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := lines(f.set, fn); n > maxFunctionLines {
				total++
				r.printf("%4d  %s: %s\n", n, f.set.Position(fn.Pos()), fn.Name.Name)
			}
		}
	}
	r.bound("functions over 60 lines", total, 0)
}

func lines(set *token.FileSet, fn *ast.FuncDecl) int {
	return set.Position(fn.End()).Line - set.Position(fn.Type.Func).Line + 1
}

func (r *report) longFiles(files []file) {
	r.title("files over the bound, without tests")
	sort.SliceStable(files, func(i, j int) bool { return files[i].lines > files[j].lines })
	total := 0
	for _, f := range files {
		if f.lines > maxFileLines {
			total++
			r.printf("%4d  %s\n", f.lines, f.name)
		}
	}
	r.bound("files over 400 lines", total, 0)
}

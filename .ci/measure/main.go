// Measure prints the measures of the code that the project bounds:
//
//	go run -modfile=.ci/tools.mod ./.ci/measure [-check] [-v]
//
// They are the size of the root package, long functions, long files, the circles of use
// between the files of the root package, and the length of the way that a body and its reply
// take through a node. With -check the exit status is 1 if a measure exceeds its bound.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"golang.org/x/tools/go/packages"
)

const module = "github.com/eddyrpc/eddy"

// The bounds.
const (
	maxRootFiles     = 20
	maxRootLines     = 3000
	maxFunctionLines = 60
	maxFileLines     = 400
	maxWayLines      = 900
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("measure: ")
	check := flag.Bool("check", false, "fail if a measure exceeds its bound")
	verbose := flag.Bool("v", false, "print every function of the way and every use within a circle")
	flag.Parse()

	r, err := measure(os.Stdout, *verbose)
	if err != nil {
		log.Fatal(err)
	}
	if len(r.broken) == 0 {
		return
	}
	fmt.Printf("\nmeasures that exceed their bounds:\n  %s\n", strings.Join(r.broken, "\n  "))
	if *check {
		os.Exit(1)
	}
}

// measure prints the measures of the module in this directory.
func measure(out io.Writer, verbose bool) (*report, error) {
	files, err := readFiles(".")
	if err != nil {
		return nil, err
	}
	pkgs, err := load()
	if err != nil {
		return nil, err
	}
	r := &report{out: out, verbose: verbose}
	r.rootSize(files)
	r.longFunctions(files)
	r.longFiles(files)
	r.circles(pkgs[module])
	r.way(pkgs)
	return r, nil
}

// load returns the root package and the packages of the module that it imports, by
// import path, with types and syntax.
func load() (map[string]*packages.Package, error) {
	const mode = packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps |
		packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo
	roots, err := packages.Load(&packages.Config{Mode: mode}, module)
	if err != nil {
		return nil, err
	}
	pkgs := map[string]*packages.Package{}
	packages.Visit(roots, nil, func(p *packages.Package) {
		for _, e := range p.Errors {
			if err == nil {
				err = e
			}
		}
		if p.PkgPath == module || strings.HasPrefix(p.PkgPath, module+"/") {
			pkgs[p.PkgPath] = p
		}
	})
	return pkgs, err
}

// A report prints the measures, and collects them and those that exceed their bounds.
type report struct {
	out      io.Writer
	verbose  bool
	measures []measured
	broken   []string
}

// A measured is a measure and its bound, -1 if there is none.
type measured struct {
	what      string
	now, most int
}

func (r *report) printf(format string, args ...any) { fmt.Fprintf(r.out, format, args...) }

func (r *report) title(text string) { r.printf("\n== %s\n", text) }

// bound prints a measure and its bound.
func (r *report) bound(what string, now, most int) {
	r.measures = append(r.measures, measured{what, now, most})
	line := fmt.Sprintf("%s: %d (at most %d)", what, now, most)
	r.printf("%s\n", line)
	if now > most {
		r.broken = append(r.broken, line)
	}
}

// count prints a measure that has no bound.
func (r *report) count(what string, now int) {
	r.measures = append(r.measures, measured{what, now, -1})
	r.printf("%s: %d\n", what, now)
}

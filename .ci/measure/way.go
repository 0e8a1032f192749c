package main

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// The way of a body leads from a call to the wire, and the way of the reply back to the caller.
// A reader who wants to know what happens to them has to read the functions on the way.
//
// The measure is the number of lines of these functions, from the line of func to the line of
// the closing brace, without doc comments. The functions are the entries, and every function
// of the module that a function on the way names, except the leaves. A call through an
// interface or a function value names no function. So a function that is called in this way
// must be an entry.

// entries are the functions where the way begins, and functions on the way that are called
// through an interface or a function value.
var entries = []string{
	"(*eddy.Node).RPCWithRetry",
	"(*eddy.Node).readLines", // the goroutine that reads
	"(*eddy.input).Read",     // called by wire.Lines
}

// leaves are the functions, or the types and packages with all their functions, where the way
// ends or another way begins. What a leaf names is not counted.
var leaves = map[string]string{
	"(*eddy.Node).receiveRequest":                         "the way of a request to its handler",
	"(*eddy.Node).badLine":                                "what happens to a line that is no message",
	"eddy/internal/calls.timeouts":                        "the way of a timeout",
	"(*eddy/internal/caller.Caller[O]).setAlarm":          "the way of a timeout",
	"(*eddy/internal/caller.Caller[O]).Cancel":            "the end of a context",
	"(*eddy/internal/calls.Table[O]).Schedule":            "policies that need a schedule",
	"(*eddy/internal/calls.Table[O]).replyScheduled":      "policies that need a schedule",
	"(*eddy/internal/calls.scheduled[O]).end":             "policies that need a schedule",
	"(*eddy/internal/caller.Caller[O]).judge":             "policies that need a schedule",
	"(*eddy.Node).scheduleStart":                          "policies that need a schedule",
	"eddy/internal/nodelog":                               "the log",
	"(*eddy.Node).watch":                                  "the hooks",
	"eddy/internal/observer":                              "the hooks",
	"(*eddy/internal/caller.Caller[O]).TellBegin":         "the hooks",
	"(*eddy/internal/caller.Caller[O]).TellEnd":           "the hooks",
	"(*eddy/internal/caller.Caller[O]).retryUnlessVetoed": "policies that need a schedule",
	"(*eddy/internal/calls.Call[O]).Watched":              "the hooks",
	"(*eddy/internal/calls.Call[O]).failed":               "the hooks",
	"(*eddy/internal/calls.Call[O]).needMore":             "retries, schedules and hooks",
	"eddy/internal/metadata":                              "policies that need metadata",
	"eddy/internal/schedule":                              "when a call sends again",
	"eddy/internal/body":                                  "how a Go value becomes a body",
	"eddy/internal/bounded":                               "what is kept and printed of names",
	"eddy/retry.Policy":                                   "what a policy allows",
	"eddy.Request":                                        "the request that a call is made for",
	"eddy.Errorf":                                         "errors",
	"eddy.callError":                                      "errors",
	"(eddy.Message).asError":                              "errors",
	"(eddy/internal/wire.Dialect).Scan":                   "the JSON of a line",
	"(*eddy/internal/wire.Body).scan":                     "the JSON of a body",
	"eddy/internal/wire.cursor":                           "the JSON of a body",
	"eddy/internal/wire.AppendQuote":                      "the JSON of a string",
	"eddy/internal/wire.Unquote":                          "the JSON of a string",
	"eddy/internal/wire.ParseInt":                         "the JSON of a number",
	"eddy/internal/wire.Member":                           "the JSON of a value",
	"eddy/internal/wire.Without":                          "the JSON of a value",
	"(eddy/internal/wire.Dialect).AppendValue":            "the JSON of a value",
	"(eddy/internal/wire.Dialect).sortBody":               "the official library's mode",
}

// A function is a function of the module with a body.
type function struct {
	name  string
	lines int
	at    token.Position
	names []*types.Func // the functions that it names
}

func (r *report) way(pkgs map[string]*packages.Package) {
	r.title("the way of a body to the wire, and of its reply back")
	functions := functions(pkgs)
	byName := map[string]*types.Func{}
	for fn, f := range functions {
		byName[f.name] = fn
	}
	var todo []*types.Func
	for _, name := range entries {
		fn := byName[name]
		if fn == nil {
			r.broken = append(r.broken, "entry of the way: there is no function "+name)
			continue
		}
		todo = append(todo, fn)
	}
	reached, met := walk(functions, todo)
	for _, leaf := range slices.Sorted(maps.Keys(leaves)) {
		if !met[leaf] {
			r.broken = append(r.broken, "leaf of the way: nothing on it names "+leaf)
		}
	}
	r.printWay(functions, reached)
}

// walk returns the functions that are on the way, each with the first function that
// names it (nil for an entry), and the leaves where the way stopped.
func walk(functions map[*types.Func]*function, entries []*types.Func) (reached map[*types.Func]*types.Func, met map[string]bool) {
	type step struct{ fn, by *types.Func }
	reached, met = map[*types.Func]*types.Func{}, map[string]bool{}
	var todo []step
	for _, fn := range entries {
		todo = append(todo, step{fn, nil})
	}
	for len(todo) > 0 {
		s := todo[0]
		todo = todo[1:]
		if _, again := reached[s.fn]; again || functions[s.fn] == nil {
			continue
		}
		if leaf := leafOf(s.fn); leaf != "" {
			met[leaf] = true
			continue
		}
		reached[s.fn] = s.by
		for _, next := range functions[s.fn].names {
			todo = append(todo, step{next, s.fn})
		}
	}
	return reached, met
}

// leafOf returns the leaf that a function belongs to, "" if there is none.
func leafOf(fn *types.Func) string {
	pkg := short(fn.Pkg().Path())
	names := []string{short(fn.FullName()), pkg}
	if recv := fn.Signature().Recv(); recv != nil {
		t := recv.Type()
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		if named, ok := t.(*types.Named); ok {
			names = append(names, pkg+"."+named.Obj().Name())
		}
	}
	for _, name := range names {
		if _, ok := leaves[name]; ok {
			return name
		}
	}
	return ""
}

// short removes from names what all names of the module begin with: eddy, eddy/internal/wire.
func short(name string) string {
	return strings.ReplaceAll(name, strings.TrimSuffix(module, "eddy"), "")
}

func functions(pkgs map[string]*packages.Package) map[*types.Func]*function {
	all := map[*types.Func]*function{}
	for _, p := range pkgs {
		for _, f := range p.Syntax {
			for _, d := range f.Decls {
				decl, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				fn := p.TypesInfo.Defs[decl.Name].(*types.Func)
				all[fn] = &function{short(fn.FullName()), lines(p.Fset, decl), p.Fset.Position(decl.Pos()), named(p, decl)}
			}
		}
	}
	return all
}

// named returns the functions that a declaration names, in the order of the text.
func named(p *packages.Package, decl *ast.FuncDecl) (fns []*types.Func) {
	ast.Inspect(decl, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if fn, ok := p.TypesInfo.Uses[id].(*types.Func); ok {
				fns = append(fns, fn.Origin())
			}
		}
		return true
	})
	return fns
}

func (r *report) printWay(functions map[*types.Func]*function, reached map[*types.Func]*types.Func) {
	type place struct{ count, lines int }
	files := map[string]place{}
	total := 0
	for fn := range reached {
		f := functions[fn]
		dir := strings.TrimPrefix(strings.TrimPrefix(fn.Pkg().Path(), module), "/")
		name := filepath.Join(dir, filepath.Base(f.at.Filename))
		files[name] = place{files[name].count + 1, files[name].lines + f.lines}
		total += f.lines
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		r.printf("%4d lines of %2d functions  %s\n", files[name].lines, files[name].count, name)
	}
	if r.verbose {
		r.printFunctions(functions, reached)
	}
	r.count("functions on the way", len(reached))
	r.count("files on the way", len(files))
	r.bound("lines of these functions", total, maxWayLines)
}

func (r *report) printFunctions(functions map[*types.Func]*function, reached map[*types.Func]*types.Func) {
	for _, fn := range slices.SortedFunc(maps.Keys(reached), func(a, b *types.Func) int {
		return cmp.Or(functions[b].lines-functions[a].lines, strings.Compare(functions[a].name, functions[b].name))
	}) {
		by := "entry"
		if reached[fn] != nil {
			by = "named by " + functions[reached[fn]].name
		}
		r.printf("%4d  %s, %s\n", functions[fn].lines, functions[fn].name, by)
	}
}

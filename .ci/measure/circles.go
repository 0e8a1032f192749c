package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// A graph has the names of the declarations that one file uses of another one.
type graph map[string]map[string]map[string]bool // by the using file and the used file

// circles prints which files of a package use each other in a circle. A file uses another one
// if it names a top-level declaration or a method of it. Fields do not count.
//
// Files that all reach each other are one component. For each component, circles orders the
// files so that few uses point backward, and prints those. Without them there would be no
// circle.
func (r *report) circles(p *packages.Package) {
	r.title("circles of use between the files of the root package")
	g := uses(p)
	var inCircle []string
	for _, files := range components(g) {
		inCircle = append(inCircle, files...)
		order := order(g, files)
		r.printf("%d files: %s\n", len(files), strings.Join(order, " "))
		for i, from := range order {
			for j, to := range order {
				against := j < i
				if names := g[from][to]; len(names) > 0 && (against || r.verbose) {
					mark := "  "
					if against {
						mark = "! "
					}
					r.printf("  %s%s uses of %s: %s\n", mark, from, to, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
				}
			}
		}
	}
	r.count("files of the root that use each other in a circle: "+strings.Join(inCircle, ", "), len(inCircle))
}

func uses(p *packages.Package) graph {
	g := graph{}
	fileOf := func(n interface{ Pos() token.Pos }) string {
		return filepath.Base(p.Fset.Position(n.Pos()).Filename)
	}
	for _, f := range p.Syntax {
		from := fileOf(f)
		g[from] = map[string]map[string]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			name := declared(p.Types, p.TypesInfo.Uses[id])
			if name == "" {
				return true
			}
			to := fileOf(p.TypesInfo.Uses[id])
			if to == from {
				return true
			}
			if g[from][to] == nil {
				g[from][to] = map[string]bool{}
			}
			g[from][to][name] = true
			return true
		})
	}
	return g
}

// declared returns the name of an object that is a top-level declaration or a method of a
// package, otherwise "".
func declared(p *types.Package, o types.Object) string {
	if o == nil || o.Pkg() != p {
		return ""
	}
	if fn, ok := o.(*types.Func); ok {
		if recv := fn.Signature().Recv(); recv != nil {
			t := strings.TrimPrefix(types.TypeString(recv.Type(), types.RelativeTo(p)), "*")
			return fmt.Sprintf("%s.%s", t, fn.Name())
		}
	}
	if o.Parent() != p.Scope() {
		return ""
	}
	return o.Name()
}

// components returns the sets of more than one file that all reach each other.
func components(g graph) (sets [][]string) {
	reach := map[string]map[string]bool{}
	for from := range g {
		seen := map[string]bool{}
		todo := []string{from}
		for len(todo) > 0 {
			for to := range g[todo[0]] {
				if !seen[to] {
					seen[to] = true
					todo = append(todo, to)
				}
			}
			todo = todo[1:]
		}
		reach[from] = seen
	}
	done := map[string]bool{}
	for _, a := range slices.Sorted(maps.Keys(g)) {
		if done[a] || !reach[a][a] {
			continue
		}
		var set []string
		for _, b := range slices.Sorted(maps.Keys(g)) {
			if reach[a][b] && reach[b][a] {
				set = append(set, b)
				done[b] = true
			}
		}
		sets = append(sets, set)
	}
	return sets
}

// order orders files so that few uses point backward. In each step it takes the file that uses
// most of the others, compared with how much they use it (the greedy rule of Eades, Lin and
// Smyth).
func order(g graph, files []string) (order []string) {
	rest := slices.Clone(files)
	for len(rest) > 0 {
		best, bestScore := 0, 0
		for i, f := range rest {
			score := 0
			for _, other := range rest {
				score += len(g[f][other]) - len(g[other][f])
			}
			if i == 0 || score > bestScore {
				best, bestScore = i, score
			}
		}
		order = append(order, rest[best])
		rest = slices.Delete(rest, best, best+1)
	}
	return order
}

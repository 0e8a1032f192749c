package txn

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/eddyrpc/eddy/internal/longtest"
)

// allCycles returns the length of the shortest cycle of each anomaly. It follows all paths on
// which no transaction comes twice.
func allCycles(size int32, edges []edge) map[Anomaly]int {
	shortest := map[Anomaly]int{}
	var path cycle
	visited := make([]bool, size)
	var follow func(home, at int32)
	follow = func(home, at int32) {
		for _, e := range edges {
			if e.from != at || e.to < home || e.to != home && visited[e.to] {
				continue
			}
			path = append(path, e)
			if e.to == home {
				if a := path.classify(); shortest[a] == 0 || len(path) < shortest[a] {
					shortest[a] = len(path)
				}
			} else {
				visited[e.to] = true
				follow(home, e.to)
				visited[e.to] = false
			}
			path = path[:len(path)-1]
		}
	}
	for home := range size {
		follow(home, home)
	}
	return shortest
}

// The search finds an anomaly, or one that implies it, exactly if there is a cycle that shows
// it. What it finds is a cycle that visits no transaction twice, and none of its kind is
// shorter, unless something that implies the anomaly is found too.
func TestCyclesAgreeWithAllPaths(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	kinds := []edgeKind{ww, wr, rw, rw, process, realtime}
	for range longtest.Or(200_000, 20_000) {
		size := 2 + r.Int32N(5)
		a := newAnalysis(make([]Txn, size))
		for range r.IntN(3 * int(size)) {
			e := edge{from: r.Int32N(size), to: r.Int32N(size), kind: kinds[r.IntN(len(kinds))]}
			if e.promised() != always && e.from > e.to { // time has no cycles
				e.from, e.to = e.to, e.from
			}
			if e.from != e.to {
				a.edges = append(a.edges, e)
			}
		}
		want, found := allCycles(size, a.edges), map[Anomaly]cycle{}
		for _, by := range []promise{always, sameProcess, inRealTime} {
			a.cycles(by, found)
		}
		is, wanted := withImplied(slices.Collect(maps.Keys(found))), withImplied(slices.Collect(maps.Keys(want)))
		if !maps.Equal(is, wanted) {
			t.Fatalf("found %v, want %v, of %+v", found, want, a.edges)
		}
		for anomaly, c := range found {
			checkCycle(t, c)
			if others := maps.Clone(found); c.classify() != anomaly || len(c) < want[anomaly] {
				t.Fatalf("%s: %+v, of %+v", anomaly, c, a.edges)
			} else if delete(others, anomaly); len(c) > want[anomaly] && !withImplied(slices.Collect(maps.Keys(others)))[anomaly] {
				t.Fatalf("%s: %+v, but one has %d edges, of %+v", anomaly, c, want[anomaly], a.edges)
			}
		}
	}
}

// checkCycle checks that each edge begins where the one before ends, and that no transaction
// comes twice.
func checkCycle(t *testing.T, c cycle) {
	t.Helper()
	seen := map[int32]bool{}
	for i, e := range c {
		if e.to != c[(i+1)%len(c)].from || seen[e.from] {
			t.Fatalf("not a cycle: %+v", c)
		}
		seen[e.from] = true
	}
}

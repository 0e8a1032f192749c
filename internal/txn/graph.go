package txn

import "slices"

// An edge says that one transaction came before another.
type edge struct {
	from, to int32
	kind     edgeKind
	promise  promise // who promises the order of versions that the edge follows from
	key      int64   // of a dependency
	value    int64   // the version that from wrote or read
	next     int64   // the version that to wrote, unless kind is wr
	none     bool    // from read no version: there is no value
}

// An edgeKind is why one transaction came before another.
type edgeKind uint8

const (
	ww       edgeKind = iota // to wrote the version after that of from
	wr                       // to read the version that from wrote
	rw                       // to wrote a version after the one that from read
	process                  // the same process did from before to
	realtime                 // from had ended before to began
)

// String returns the name of the kind.
func (k edgeKind) String() string {
	return [...]string{"ww", "wr", "rw", "process", "realtime"}[k]
}

// A promise is what a model must promise so that an edge holds.
type promise uint8

const (
	always      promise = iota // nothing
	sameProcess                // that each process sees its own transactions in their order
	inRealTime                 // that a transaction comes after those that had ended before it began
)

// promised returns what must be promised so that the edge holds.
func (e *edge) promised() promise {
	switch e.kind {
	case process:
		return sameProcess
	case realtime:
		return inRealTime
	}
	return e.promise
}

// A graph is a set of edges between transactions.
type graph struct {
	edges []edge  // sorted by from
	start []int32 // edges[start[i]:start[i+1]] are those from transaction i
}

// newGraph returns the graph of those edges that are in.
func newGraph(size int, all []edge, in func(*edge) bool) *graph {
	g := &graph{start: make([]int32, size+1)}
	count := 0
	for i := range all {
		if in(&all[i]) {
			g.start[all[i].from+1]++
			count++
		}
	}
	for i := range size {
		g.start[i+1] += g.start[i]
	}
	g.edges = make([]edge, count)
	next := slices.Clone(g.start)
	for i := range all {
		if e := &all[i]; in(e) {
			g.edges[next[e.from]] = *e
			next[e.from]++
		}
	}
	return g
}

// out returns the edges from a transaction.
func (g *graph) out(txn int32) []edge { return g.edges[g.start[txn]:g.start[txn+1]] }

// components returns for each transaction the number of its strongly connected component, or
// -1 if it is alone in it. It is the algorithm of Tarjan, "Depth-First Search and Linear Graph
// Algorithms", 1972, with its own stack.
func (g *graph) components() []int32 {
	size := len(g.start) - 1
	component, low, index := make([]int32, size), make([]int32, size), make([]int32, size)
	for i := range component {
		component[i] = -1
	}
	type visit struct{ txn, next int32 }
	var path []visit // from the root to the transaction that is being visited
	var open []int32 // visited, and of a component that is not complete
	isOpen := make([]bool, size)
	count, number := int32(0), int32(0)
	begin := func(txn int32) {
		count++
		index[txn], low[txn] = count, count
		open = append(open, txn)
		isOpen[txn] = true
		path = append(path, visit{txn, g.start[txn]})
	}
	for root := range int32(size) {
		if index[root] != 0 {
			continue
		}
		begin(root)
		for len(path) > 0 {
			v := &path[len(path)-1]
			if v.next < g.start[v.txn+1] {
				to := g.edges[v.next].to
				v.next++
				if index[to] == 0 {
					begin(to)
				} else if isOpen[to] {
					low[v.txn] = min(low[v.txn], index[to])
				}
				continue
			}
			txn := v.txn
			path = path[:len(path)-1]
			if len(path) > 0 {
				low[path[len(path)-1].txn] = min(low[path[len(path)-1].txn], low[txn])
			}
			if low[txn] == index[txn] {
				at := len(open) - 1
				for open[at] != txn {
					at--
				}
				if members := open[at:]; len(members) > 1 {
					for _, member := range members {
						component[member] = number
					}
					number++
				}
				for _, member := range open[at:] {
					isOpen[member] = false
				}
				open = open[:at]
			}
		}
	}
	return component
}

package txn

import "slices"

// A cycle is a path of edges that leads back to where it began.
type cycle []edge

// classify returns the anomaly that a cycle is.
func (c cycle) classify() Anomaly {
	reads, adjacent, hasWR, by := 0, false, false, always
	for i, e := range c {
		by = max(by, e.promised())
		switch e.kind {
		case wr:
			hasWR = true
		case rw:
			reads++
			adjacent = adjacent || c[(i+1)%len(c)].kind == rw && len(c) > 1
		}
	}
	a := G0
	switch {
	case reads == 1:
		a = GSingle
	case reads > 1 && adjacent:
		a = G2
	case reads > 1:
		a = GNonadjacent
	case hasWR:
		a = G1c
	}
	return a + suffixes[by]
}

// simple splits a way that leads back to where it began into cycles that visit no transaction
// twice. Their anomalies imply the one that the whole way would be.
func (c cycle) simple() (all []cycle) {
	var path cycle
	for _, e := range c {
		path = append(path, e)
		if at := slices.IndexFunc(path, func(o edge) bool { return o.from == e.to }); at >= 0 {
			all = append(all, slices.Clone(path[at:]))
			path = path[:at]
		}
	}
	return all
}

// A rule says which cycles a search looks for.
type rule struct {
	first    func(edgeKind) bool // the kinds of the first edge
	kinds    func(edgeKind) bool // those of all others
	apart    bool                // no rw edge may follow another
	together bool                // the second edge is an rw edge
}

func is(kinds ...edgeKind) func(edgeKind) bool {
	return func(k edgeKind) bool { return slices.Contains(kinds, k) }
}

// rules are the searches. Each also finds cycles that another is meant for; a cycle counts as
// what it is.
var rules = []rule{
	{first: is(ww), kinds: is(ww, process, realtime)},
	{first: is(wr), kinds: is(ww, wr, process, realtime)},
	{first: is(rw), kinds: is(ww, wr, process, realtime)},
	{first: is(rw), kinds: is(ww, wr, rw, process, realtime), apart: true},
	{first: is(rw), kinds: is(ww, wr, rw, process, realtime), together: true},
}

// maxSteps bounds how many edges one search may look at. What it has found by then is real,
// but it may not be the shortest.
const maxSteps = 30_000_000

// cycles returns the shortest cycle found for each anomaly, among edges of which no more is
// promised than by.
func (a *analysis) cycles(by promise, found map[Anomaly]cycle) {
	all := newGraph(len(a.txns), a.edges, func(e *edge) bool { return e.promised() <= by })
	if slices.Max(append(all.components(), -1)) < 0 {
		return // there is no cycle at all
	}
	for _, r := range rules {
		g := newGraph(len(a.txns), a.edges, func(e *edge) bool {
			return e.promised() <= by && (r.first(e.kind) || r.kinds(e.kind))
		})
		s := search{graph: g, rule: r, component: g.components(), by: by}
		s.run(found)
	}
}

// A search looks for cycles in a graph.
type search struct {
	graph     *graph
	rule      rule
	component []int32
	by        promise
	steps     int
	seen      []int32 // by state: the number of the first edge whose search was there last
	from      []link
	queue     []int32
}

// A link is how a state was reached.
type link struct {
	state int32 // from which; -1 for the first edge
	edge  int32
}

// A state is a transaction, and whether the edge that led there is rw: 2*txn, or one more.

func (s *search) run(found map[Anomaly]cycle) {
	size := 2 * (len(s.graph.start) - 1)
	s.seen, s.from = make([]int32, size), make([]link, size)
	for i := range s.graph.edges {
		e := &s.graph.edges[i]
		if !s.rule.first(e.kind) || s.component[e.from] < 0 || s.component[e.from] != s.component[e.to] {
			continue
		}
		if s.steps > maxSteps {
			return
		}
		c := s.back(int32(i), s.longest(found))
		for _, c := range c.simple() {
			if anomaly := c.classify(); len(found[anomaly]) == 0 || len(c) < len(found[anomaly]) {
				found[anomaly] = c
			}
		}
	}
}

// longest returns how long a further cycle may be to be worth finding: shorter than the one
// that is known of the kind that the rule looks for.
func (s *search) longest(found map[Anomaly]cycle) int {
	probe := cycle{{kind: ww}}
	switch {
	case s.rule.together:
		probe = cycle{{kind: rw}, {kind: rw}}
	case s.rule.apart:
		probe = cycle{{kind: rw}, {kind: ww}, {kind: rw}, {kind: ww}}
	case s.rule.first(rw):
		probe = cycle{{kind: rw}, {kind: ww}}
	case s.rule.first(wr):
		probe = cycle{{kind: wr}}
	}
	if c := found[probe.classify()+suffixes[s.by]]; c != nil {
		return len(c) - 1
	}
	return len(s.graph.start)
}

// back returns a shortest cycle that begins with an edge and has at most so many edges, nil if
// there is none.
func (s *search) back(first int32, longest int) cycle {
	begin := &s.graph.edges[first]
	home, number := begin.from, first+1
	start := 2*begin.to + bit(begin.kind == rw)
	s.seen[start], s.from[start] = number, link{-1, first}
	s.queue = append(s.queue[:0], start)
	for depth, level := 1, 1; len(s.queue) > 0 && depth < longest; depth++ {
		next := 0
		for range level {
			state := s.queue[0]
			s.queue = s.queue[1:]
			txn, afterRW := state/2, state%2 == 1
			at := s.graph.start[txn]
			for k, e := range s.graph.out(txn) {
				s.steps++
				isRW := e.kind == rw
				switch {
				case s.component[e.to] != s.component[home], !s.rule.kinds(e.kind) && !(s.rule.apart && isRW):
					continue
				case s.rule.apart && isRW && afterRW, s.rule.together && depth == 1 && !isRW:
					continue
				}
				if e.to == home {
					if s.rule.apart && isRW { // the first edge is one too
						continue
					}
					return s.path(state, at+int32(k))
				}
				if to := 2*e.to + bit(isRW); s.seen[to] != number {
					s.seen[to], s.from[to] = number, link{state, at + int32(k)}
					s.queue = append(s.queue, to)
					next++
				}
			}
		}
		level = next
	}
	return nil
}

// path returns the edges that led to a state, and a last one.
func (s *search) path(state, last int32) (c cycle) {
	c = cycle{s.graph.edges[last]}
	for state >= 0 {
		l := s.from[state]
		c = append(c, s.graph.edges[l.edge])
		state = l.state
	}
	slices.Reverse(c)
	return c
}

func bit(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

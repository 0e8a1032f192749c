package workload

import "strconv"

// Topologies are the shapes that Maelstrom knows: who is whose neighbour.
var Topologies = []string{"line", "grid", "tree", "tree2", "tree3", "tree4", "total"}

// Topology says which nodes are each node's neighbours, as Maelstrom does:
//
//   - line: each node knows the one before and the one after it
//   - grid: a square, filled row by row; neighbours left, right, above, below
//   - tree2, tree3, tree4: a tree with so many children; tree is tree2
//   - total: everybody knows everybody
func Topology(name string, nodes []string) map[string][]string {
	near := map[string][]string{}
	for _, n := range nodes {
		near[n] = []string{}
	}
	join := func(i, j int) {
		near[nodes[i]] = append(near[nodes[i]], nodes[j])
		near[nodes[j]] = append(near[nodes[j]], nodes[i])
	}
	side := 1
	for side*side < len(nodes) {
		side++
	}
	children := 2
	if len(name) > len("tree") {
		children, _ = strconv.Atoi(name[len("tree"):])
	}
	for i := range nodes {
		switch name {
		case "line":
			if i > 0 {
				join(i-1, i)
			}
		case "total":
			for j := range i {
				join(j, i)
			}
		case "tree", "tree2", "tree3", "tree4":
			if i > 0 {
				join((i-1)/children, i)
			}
		default: // grid
			if i%side > 0 {
				join(i-1, i)
			}
			if i >= side {
				join(i-side, i)
			}
		}
	}
	return near
}

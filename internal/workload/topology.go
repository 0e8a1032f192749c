package workload

import "strconv"

// Topologies are the names of Maelstrom's topologies.
var Topologies = []string{"line", "grid", "tree", "tree2", "tree3", "tree4", "total"}

// Topology returns the neighbours of each node, as in Maelstrom:
//
//   - line: the previous and the next node
//   - grid: a square, filled row by row; the neighbours are left, right, above and
//     below
//   - tree2, tree3, tree4: a tree with this number of children; tree is tree2
//   - total: all other nodes
//
// A line of one node is empty there: it does not have that node.
func Topology(name string, nodes []string) map[string][]string {
	neighbours := map[string][]string{}
	if name == "line" && len(nodes) == 1 {
		return neighbours
	}
	for _, n := range nodes {
		neighbours[n] = []string{}
	}
	join := func(i, j int) {
		neighbours[nodes[i]] = append(neighbours[nodes[i]], nodes[j])
		neighbours[nodes[j]] = append(neighbours[nodes[j]], nodes[i])
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
	return neighbours
}

//go:build race

package plan

// The race detector makes a run ten times slower, and there is only one goroutine. So
// there are fewer calls, with greater tolerances.
const all, some = 100_000, 20_000

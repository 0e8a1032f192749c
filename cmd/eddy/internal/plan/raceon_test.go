//go:build race

package plan

// The race detector makes all of it ten times as slow, and there is but one
// goroutine. The tolerances are those of fewer calls.
const all, some = 100_000, 20_000

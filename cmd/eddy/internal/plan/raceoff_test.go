//go:build !race

package plan

// all is the command's default number of calls, some are enough elsewhere.
const all, some = 1_000_000, 100_000

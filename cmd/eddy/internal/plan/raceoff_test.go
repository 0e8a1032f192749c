//go:build !race

package plan

// all is the default number of calls of the command. some is enough for most tests.
const all, some = 1_000_000, 100_000

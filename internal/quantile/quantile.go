// Package quantile defines what a quantile is, for all that report one.
package quantile

import "math"

// Of returns the quantile q of sorted values: the least value that at least the
// share q of the values does not exceed (nearest rank). Of no values it returns
// the zero value.
func Of[T any](sorted []T, q float64) (value T) {
	if len(sorted) == 0 {
		return value
	}
	return sorted[Rank(len(sorted), q)-1]
}

// Rank returns the place of the quantile q among n sorted values, from 1 to n.
func Rank(n int, q float64) int {
	const rounding = 1e-9 // 0.07 * 100 is more than 7
	return min(max(int(math.Ceil(q*float64(n)-rounding)), 1), n)
}

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
	const rounding = 1e-9 // 0.07 * 100 is more than 7
	rank := math.Ceil(q*float64(len(sorted)) - rounding)
	return sorted[min(max(int(rank), 1), len(sorted))-1]
}

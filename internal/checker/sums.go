package checker

import "slices"

// Sums is the set of all sums of a number and of any of some optional numbers. It is
// kept as sorted ranges that do not touch each other. There are never more ranges than
// half of what the optional numbers sum to without their signs. Small numbers of many
// values leave gaps only near the ends, so that a few ranges are enough.
type Sums struct{ ranges, spare []bounds }

// bounds are the integers from low to high.
type bounds struct{ low, high int64 }

// NewSums returns the set of one number.
func NewSums(fixed int64) *Sums { return &Sums{ranges: []bounds{{fixed, fixed}}} }

// Add adds an optional number, which may occur up to count times. The powers of two up
// to the count, and the rest, have all its multiples as sums.
func (s *Sums) Add(number int64, count int) {
	for step := 1; count > 0 && number != 0; step *= 2 {
		step = min(step, count)
		s.addOnce(int64(step) * number)
		count -= step
	}
}

// addOnce merges the ranges with the same ranges moved by a number.
func (s *Sums) addOnce(number int64) {
	merged := s.spare[:0]
	stay, moved := s.ranges, s.ranges
	for len(stay) > 0 || len(moved) > 0 {
		var next bounds
		if len(moved) == 0 || len(stay) > 0 && stay[0].low <= moved[0].low+number {
			next, stay = stay[0], stay[1:]
		} else {
			next, moved = bounds{moved[0].low + number, moved[0].high + number}, moved[1:]
		}
		if last := len(merged) - 1; last >= 0 && next.low <= merged[last].high+1 {
			merged[last].high = max(merged[last].high, next.high)
		} else {
			merged = append(merged, next)
		}
	}
	s.ranges, s.spare = merged, s.ranges
}

// Has reports whether a number is one of the sums.
func (s *Sums) Has(number int64) bool {
	i, found := s.find(number)
	return found || i > 0 && number <= s.ranges[i-1].high
}

// find returns the index of the first range that begins at a number or above it.
func (s *Sums) find(number int64) (index int, found bool) {
	return slices.BinarySearchFunc(s.ranges, number, func(b bounds, n int64) int {
		switch {
		case b.low < n:
			return -1
		case b.low > n:
			return 1
		}
		return 0
	})
}

// nearest returns the sums that are nearest to a number that is not one of them. If
// there is none on one side, both are the same.
func (s *Sums) nearest(number int64) (below, above int64) {
	i, _ := s.find(number)
	switch {
	case i == 0:
		return s.ranges[0].low, s.ranges[0].low
	case i == len(s.ranges):
		return s.ranges[i-1].high, s.ranges[i-1].high
	}
	return s.ranges[i-1].high, s.ranges[i].low
}

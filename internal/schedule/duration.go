package schedule

import (
	"math"
	"time"
)

// Never is a time that does not come.
const Never = time.Duration(math.MaxInt64)

// plus adds two durations that are not negative. It returns Never instead of an
// overflow.
func plus(a, b time.Duration) time.Duration {
	if a > Never-b {
		return Never
	}
	return a + b
}

// times multiplies d by n, neither of which is negative. It returns Never instead
// of an overflow.
func times(d time.Duration, n int) time.Duration {
	if n > 0 && d > Never/time.Duration(n) {
		return Never
	}
	return d * time.Duration(n)
}

// scale multiplies d by factor, neither of which is negative. It returns Never
// instead of an overflow.
func scale(d time.Duration, factor float64) time.Duration {
	x := float64(d) * factor
	if x >= math.MaxInt64 {
		return Never
	}
	return time.Duration(x)
}

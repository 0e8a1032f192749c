package schedule

import (
	"time"

	"github.com/eddyrpc/eddy/retry"
)

// A counts has two counters over the last [retry.BudgetWindow]: of all things that happened,
// and of some of them. The zero value has counted nothing. Times must not be negative.
type counts struct {
	slices [windowSlices]struct{ all, some uint64 }
	sum    struct{ all, some uint64 }
	latest int // the second of the latest slice
}

// A window slides in steps of one second.
const windowSlices = int(retry.BudgetWindow / time.Second)

func (c *counts) add(now time.Duration, all, some uint64) {
	s := &c.slices[c.slide(now)]
	s.all += all
	s.some += some
	c.sum.all += all
	c.sum.some += some
}

// slide returns the index of the slice for now, and clears the slices that have left
// the window. A time before the latest counts as the latest.
func (c *counts) slide(now time.Duration) int {
	second := int(now / time.Second)
	for steps := 0; c.latest < second; steps++ {
		if steps == windowSlices { // all are empty
			c.latest = second
			break
		}
		c.latest++
		s := &c.slices[c.latest%windowSlices]
		c.sum.all -= s.all
		c.sum.some -= s.some
		s.all, s.some = 0, 0
	}
	return c.latest % windowSlices
}

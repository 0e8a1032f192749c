package runner

import (
	"slices"
	"time"
)

// alarms are things to be done at their time. There are never many.
type alarms []alarm

type alarm struct {
	at time.Duration
	do func()
}

func (a *alarms) set(at time.Duration, do func()) {
	*a = append(*a, alarm{at, do})
	slices.SortStableFunc(*a, func(x, y alarm) int { return int(x.at - y.at) })
}

func (a *alarms) next() (time.Duration, bool) {
	if len(*a) == 0 {
		return 0, false
	}
	return (*a)[0].at, true
}

// ring does what is due.
func (a *alarms) ring(now time.Duration) {
	for len(*a) > 0 && (*a)[0].at <= now {
		do := (*a)[0].do
		*a = slices.Delete(*a, 0, 1)
		do()
	}
}

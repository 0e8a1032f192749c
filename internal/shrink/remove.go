package shrink

import (
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
	"github.com/eddyrpc/eddy/internal/trial"
)

func (s *search) removeFaults() {
	reduce(s.best.Faults, func(some []sim.Planned) bool {
		return s.try(s.change(func(c *trial.Case) { c.Faults = some }))
	})
}

func (s *search) removeFates() {
	reduce(s.best.Fates, func(some []sim.Chance) bool {
		return s.try(s.change(func(c *trial.Case) { c.Fates = some }))
	})
}

func (s *search) removeAsks() {
	reduce(s.best.Asks, func(some []trial.Ask) bool {
		return s.try(s.change(func(c *trial.Case) { c.Asks = some }))
	})
}

// removeNodes removes one node after another, the last first.
func (s *search) removeNodes() {
	for i := len(s.best.Nodes) - 1; i >= 0 && len(s.best.Nodes) > max(1, s.MinNodes); i-- {
		s.try(WithoutNode(s.best, s.best.Nodes[i]))
	}
}

// WithoutNode returns a case without a node, without the requests to it, and without
// what faults do to it and to its links. A fault that does nothing else is removed.
func WithoutNode(c *trial.Case, name string) *trial.Case {
	less := *c
	less.Nodes = without(c.Nodes, func(n string) bool { return n == name })
	less.Asks = without(c.Asks, func(a trial.Ask) bool { return a.Node == name })
	less.Faults = nil
	for _, p := range c.Faults {
		if p.IsServerFault() {
			less.Faults = append(less.Faults, p)
			continue
		}
		had := len(p.Links)
		p.Nodes = without(p.Nodes, func(n string) bool { return n == name })
		p.Links = without(p.Links, func(l sim.Link) bool { return l.From == name || l.To == name })
		if had > 0 && len(p.Links) > 0 || had == 0 && len(p.Nodes) > 0 {
			less.Faults = append(less.Faults, p)
		}
	}
	return &less
}

// without returns the elements for which drop is false.
func without[T any](list []T, drop func(T) bool) (left []T) {
	for _, x := range list {
		if !drop(x) {
			left = append(left, x)
		}
	}
	return left
}

// narrowFaults removes nodes from the faults that kill or pause several.
func (s *search) narrowFaults() {
	for i := range s.best.Faults {
		f := &s.best.Faults[i]
		if len(f.Links) > 0 || f.IsServerFault() {
			continue
		}
		for at := len(f.Nodes) - 1; at >= 0 && len(s.best.Faults[i].Nodes) > 1; at-- {
			s.try(s.change(func(c *trial.Case) {
				c.Faults = slices.Clone(c.Faults)
				c.Faults[i].Nodes = slices.Delete(slices.Clone(c.Faults[i].Nodes), at, at+1)
			}))
		}
	}
}

const (
	// afterLast is the time from the last request, or from the end of the last fault,
	// to the end of the main phase.
	afterLast = 20 * time.Millisecond

	// shortTime is a time that is not worth a run to save it.
	shortTime = 100 * time.Millisecond
)

// saveTime makes the first thing happen at once, and the main phase end soon after the
// last one.
func (s *search) saveTime() {
	first, last := span(s.best)
	if first > shortTime {
		s.try(s.change(func(c *trial.Case) { shift(c, first) }))
		first, last = span(s.best)
	}
	least, most := last+afterLast, s.best.TimeLimit
	limit := func(to time.Duration) bool {
		return s.try(s.change(func(c *trial.Case) { c.TimeLimit = to }))
	}
	if most-least <= shortTime || limit(least) {
		return
	}
	for !s.limited && most-least > max(shortTime, most/8) {
		if middle := (least + most) / 2; limit(middle) {
			most = middle
		} else {
			least = middle
		}
	}
}

// span returns when the first thing in a case happens and when the last one ends.
func span(c *trial.Case) (first, last time.Duration) {
	first = c.TimeLimit
	for _, a := range c.Asks {
		first, last = min(first, a.At), max(last, a.At)
	}
	for i := range c.Faults {
		first, last = min(first, c.Faults[i].Begin), max(last, c.Faults[i].End)
	}
	return first, last
}

// shift makes everything happen earlier.
func shift(c *trial.Case, by time.Duration) {
	c.TimeLimit -= by
	c.Asks, c.Faults = slices.Clone(c.Asks), slices.Clone(c.Faults)
	for i := range c.Asks {
		c.Asks[i].At -= by
	}
	for i := range c.Faults {
		c.Faults[i].Begin -= by
		c.Faults[i].End -= by
	}
}

package checker

import (
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/sim"
)

// pauses are the times at which nodes were paused.
type pauses map[string][]span

// A span is a period of time.
type span struct{ from, to time.Duration }

func pausesOf(j *sim.Journal) pauses {
	p := pauses{}
	open := map[int]*sim.Fault{}
	for _, e := range j.Events() {
		switch {
		case e.What == "begin" && e.Begun.Kind == sim.Pause:
			open[e.Fault] = e.Begun
			for _, node := range e.Begun.Nodes {
				p[node] = append(p[node], span{e.At, math.MaxInt64})
			}
		case e.What == "end" && open[e.Fault] != nil:
			for _, node := range open[e.Fault].Nodes {
				i := len(p[node]) - 1
				p[node][i].to = e.At
			}
		}
	}
	return p
}

// between reports whether a node was paused at any time between two times.
func (p pauses) between(node string, from, to time.Duration) bool {
	return slices.ContainsFunc(p[node], func(s span) bool { return s.from <= to && s.to >= from })
}

// extend extends a limit that begins at a time by the node's pauses.
func (p pauses) extend(node string, from, limit time.Duration) time.Duration {
	for _, s := range p[node] {
		if s.from <= from+limit && s.to > from {
			if s.to == math.MaxInt64 {
				return math.MaxInt64 - from
			}
			limit += s.to - max(s.from, from)
		}
	}
	return limit
}

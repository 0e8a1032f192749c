package checker

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/history"
)

// checkFinal checks that the last final read of every node returned all elements that
// were known when it began.
func (g *gsetCheck) checkFinal(nodes []string) {
	lost := map[int64]bool{}
	for _, node := range nodes {
		reads := g.final[node]
		if len(reads) == 0 {
			g.found.unknown("no-final-read", 0, "%s replied to no read in the final phase", node)
			continue
		}
		last := g.op(reads[len(reads)-1])
		values := sortedValues(last)
		var before map[int64]*history.Op // by element, the latest earlier final read that returned it
		for i := range g.elements {
			e := &g.elements[i]
			if _, found := slices.BinarySearch(values, e.value); found || e.known > last.From {
				continue
			}
			if before == nil {
				before = g.earlierFinal(reads[:len(reads)-1])
			}
			lost[e.value] = true
			g.missingInEnd(e, i, last, before[e.value])
		}
	}
	g.lost = len(lost)
}

// sortedValues returns the sorted elements that a read returned.
func sortedValues(op *history.Op) []int64 {
	values, _ := integers(op.Result)
	slices.Sort(values)
	return values
}

// earlierFinal returns for each element the latest of some reads that returned it.
func (g *gsetCheck) earlierFinal(reads []int) map[int64]*history.Op {
	latest := map[int64]*history.Op{}
	for _, index := range reads {
		op := g.op(index)
		for _, v := range sortedValues(op) {
			latest[v] = op
		}
	}
	return latest
}

// missingInEnd adds a problem for an element that is missing in a node's last read. before
// is the latest final read of the node that returned it, or nil.
func (g *gsetCheck) missingInEnd(e *setElement, at int, last, before *history.Op) {
	check, history := "lost", ""
	if shown := g.shown[last.Node]; shown != nil && shown.since[at] <= last.From {
		history = fmt.Sprintf(", although %s had returned it at %s, in the same incarnation", last.Node, seconds(shown.since[at]))
	}
	if before != nil {
		check = "vanished"
		history = fmt.Sprintf(", although %s had returned it to %s (msg_id %d) at %s, after all faults", last.Node, before.Client, before.MsgID, seconds(before.To))
	}
	by := g.op(e.knownBy)
	how := fmt.Sprintf("which %s acknowledged to %s (msg_id %d)", by.Node, by.Client, by.MsgID)
	if by.F == "read" {
		how = fmt.Sprintf("which %s returned to a read of %s (msg_id %d)", by.Node, by.Client, by.MsgID)
	}
	if g.found.add(check, last.To, -1, "%d, %s at %s, is missing in the last read of %s (msg_id %d of %s, at %s)%s",
		e.value, how, seconds(e.known), last.Node, last.MsgID, last.Client, seconds(last.From), history) {
		g.found.addRequests(last, by)
		g.found.missing(e.value, last.Node)
		if before != nil {
			g.found.addRequests(before)
		}
	}
}

// acked returns the number of elements that were acknowledged.
func (g *gsetCheck) acked() int { return g.count(func(e *setElement) bool { return e.acked }) }

func (g *gsetCheck) count(is func(*setElement) bool) (count int) {
	for i := range g.elements {
		if is(&g.elements[i]) {
			count++
		}
	}
	return count
}

func (g *gsetCheck) numbers() []Number {
	latencies := g.stableLatencies()
	stale := 0
	for _, latency := range latencies {
		if latency > 0 {
			stale++
		}
	}
	return []Number{
		{"adds", len(g.adds)},
		{"elements", len(g.elements)},
		{"acknowledged", g.acked()},
		{"reads", g.counted},
		{"lost", g.lost},
		{"never read", g.count(func(e *setElement) bool { return !e.read })},
		{"duplicated", g.repeated},
		{"stale", stale},
		{"missing later", g.count(func(e *setElement) bool { return e.later })},
		{"stable latency", QuantilesOf(latencies)},
	}
}

// stableLatencies returns the stable latencies of the elements that the latest read
// returned.
func (g *gsetCheck) stableLatencies() (latencies []time.Duration) {
	for i := range g.elements {
		if e := &g.elements[i]; e.known < math.MaxInt64 && e.last {
			latencies = append(latencies, max(0, e.missing-e.known))
		}
	}
	return latencies
}

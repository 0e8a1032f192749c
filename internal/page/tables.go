package page

import (
	"cmp"
	"slices"
	"time"

	"github.com/eddyrpc/eddy/internal/grouping"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/quantile"
	"github.com/eddyrpc/eddy/internal/sim"
)

// mostLinks is how many links the page lists.
const mostLinks = 50

// A function counts the operations of one kind, and the messages that they took: the
// request, its reply, and the calls made for it.
type function struct {
	Name       string             `json:"name"`
	OK         int                `json:"ok"`
	Fail       int                `json:"fail"`
	Indefinite int                `json:"indefinite"`
	Messages   int                `json:"messages"` // of all its operations
	Most       int                `json:"most"`     // of one operation
	Latency    map[string]float64 `json:"latency_ms"`

	latencies []time.Duration
}

// functions returns the operations by function, from all messages of a test.
func functions(h *history.History, g *grouping.Grouping, requests map[request]int) (all []*function) {
	messages := messagesByRoot(g)
	by := map[string]*function{}
	for op := range h.All() {
		if op.Again {
			continue
		}
		f := by[op.F]
		if f == nil {
			f = &function{Name: op.F, Latency: map[string]float64{}}
			by[op.F] = f
			all = append(all, f)
		}
		switch outcome, to := op.Seen(); outcome {
		case history.OK:
			f.OK++
			f.latencies = append(f.latencies, to-op.From)
		case history.Fail:
			f.Fail++
		default:
			f.Indefinite++
		}
		if at, ok := requests[request{op.Client, op.Node, op.MsgID}]; ok {
			n := int(messages[g.Of[at]])
			f.Messages += n
			f.Most = max(f.Most, n)
		}
	}
	for _, f := range all {
		slices.Sort(f.latencies)
		if len(f.latencies) > 0 {
			for name, q := range map[string]float64{"p50": .5, "p95": .95, "p99": .99, "max": 1} {
				f.Latency[name] = float64(quantile.Of(f.latencies, q).Nanoseconds()) / 1e6
			}
		}
	}
	return all
}

// messagesByRoot returns for each call that is made for no other how many messages it took,
// with those of all calls made for it.
func messagesByRoot(g *grouping.Grouping) []uint32 {
	roots := make([]uint32, len(g.Calls))
	for c := range g.Calls {
		roots[c] = uint32(c)
		if p := g.Calls[c].Parent; p != 0 {
			roots[c] = roots[p] // a call comes after the one that it is made for
		}
	}
	messages := make([]uint32, len(g.Calls))
	for _, c := range g.Of {
		if c != 0 {
			messages[roots[c]]++
		}
	}
	return messages
}

// A link counts the messages from one sender to one receiver.
type link struct {
	Src      string  `json:"src"`
	Dest     string  `json:"dest"`
	Sent     int     `json:"sent"`
	Lost     int     `json:"lost"`
	Copies   int     `json:"copies"`
	Requests int     `json:"requests"`
	Calls    int     `json:"calls"`
	Mean     float64 `json:"mean_ms"` // of the latencies

	arrived int
	took    time.Duration
}

// links returns the busiest links, and how many there are, from all messages of a test.
func links(j *sim.Journal, g *grouping.Grouping) (busiest []*link, all int) {
	by := map[[2]string]*link{}
	seen := make([]bool, len(g.Calls)) // all requests of a call go over the same link
	for m := range j.All() {
		l := by[[2]string{m.Src, m.Dest}]
		if l == nil {
			l = &link{Src: m.Src, Dest: m.Dest}
			by[[2]string{m.Src, m.Dest}] = l
			busiest = append(busiest, l)
		}
		l.add(&m, &seen[g.Of[m.Index]])
	}
	for _, l := range busiest {
		if l.arrived > 0 {
			l.Mean = float64(l.took.Nanoseconds()) / 1e6 / float64(l.arrived)
		}
	}
	slices.SortStableFunc(busiest, func(a, b *link) int { return cmp.Compare(b.Sent, a.Sent) })
	return busiest[:min(len(busiest), mostLinks)], len(busiest)
}

func (l *link) add(m *sim.Record, seen *bool) {
	switch {
	case m.IsDuplicate():
		l.Copies++
	default:
		l.Sent++
		if m.IsRequest() {
			l.Requests++
			if !*seen {
				l.Calls++
				*seen = true
			}
		}
	}
	switch m.Fate {
	case sim.Delivered:
		l.arrived++
		l.took += m.Done - m.Sent
	case sim.InFlight:
	default:
		l.Lost++
	}
}

// lossTimes returns when messages were lost, in ms, in their order. It returns nil if they
// are too many for the page.
func lossTimes(j *sim.Journal) (all []float64) {
	for m := range j.All() {
		if m.Fate != sim.Delivered && m.Fate != sim.InFlight {
			if len(all) == mostLosses {
				return nil
			}
			all = append(all, float64(m.Done.Microseconds())/1000)
		}
	}
	slices.Sort(all)
	return all
}

// mostLosses is how many times of losses the page may have.
const mostLosses = 200_000

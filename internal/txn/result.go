package txn

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Result is what the transactions of a test show.
type Result struct {
	// Findings are the anomalies that were found. Those that the models forbid come first.
	Findings []Finding
	// Forbidden are how many of the findings the models forbid.
	Forbidden int
	// Count is how often each anomaly was found. Of cycles the shortest of each kind counts.
	Count map[Anomaly]int
	// Held are the strongest models that allow everything that was found, and Broken are the
	// weakest that do not.
	Held, Broken []Model
	// Edges is how many dependencies between transactions were found. Without any there was
	// nothing to judge.
	Edges int
}

// result looks for cycles and sorts what was found.
func (a *analysis) result(models []Model) Result {
	r := Result{Edges: len(a.edges), Count: a.count}
	a.edges = append(a.edges, sessionEdges(a.txns, a.committed)...)
	var among []int32
	for i := range a.txns {
		if a.committed[i] {
			among = append(among, int32(i))
		}
	}
	a.edges = append(a.edges, realtimeEdges(a.txns, among)...)
	found := map[Anomaly]cycle{}
	for _, by := range []promise{always, sameProcess, inRealTime} {
		a.cycles(by, found)
	}
	for _, anomaly := range sortedKeys(found) {
		a.addCycle(anomaly, found[anomaly])
	}
	var all []Anomaly
	for anomaly := range a.count {
		all = append(all, anomaly)
	}
	r.Held, r.Broken = Boundary(all)
	forbidden := map[Anomaly]bool{}
	for _, anomaly := range all {
		forbidden[anomaly] = Forbidden(models, anomaly)
	}
	slices.SortStableFunc(a.found, func(x, y Finding) int {
		if c := order(!forbidden[x.Anomaly], !forbidden[y.Anomaly]); c != 0 {
			return c
		}
		return cmp.Compare(len(x.Txns), len(y.Txns))
	})
	r.Findings = a.found
	for _, f := range a.found {
		if forbidden[f.Anomaly] {
			r.Forbidden++
		}
	}
	return r
}

// addCycle adds a cycle to the findings.
func (a *analysis) addCycle(anomaly Anomaly, c cycle) {
	f := Finding{Anomaly: anomaly}
	for i, e := range c {
		text := a.explain(e) + a.laterThan(e, c)
		f.Txns = append(f.Txns, int(e.from))
		f.Steps = append(f.Steps, text)
		f.Edges = append(f.Edges, Edge{From: i, To: (i + 1) % len(c), Kind: e.kind.String(), Key: e.key, Text: text})
		if t := &a.txns[e.from]; t.Outcome == OK {
			f.At = max(f.At, t.To)
		}
	}
	a.count[anomaly]++
	a.found = append(a.found, f)
}

// explain says in a sentence why one transaction came before another.
func (a *analysis) explain(e edge) string {
	from, to := a.name(e.from), a.short(e.to)
	verb := "wrote"
	for _, op := range a.txns[e.to].Ops {
		if op.Kind == Append {
			verb = "appended"
		}
	}
	why := ""
	switch e.promise {
	case sameProcess:
		why = " (its process had met these values in this order)"
	case inRealTime:
		why = " (transactions met these values one after the other in real time)"
	}
	switch e.kind {
	case ww:
		return fmt.Sprintf("%s gave %d to key %d, and %s %s %d after it%s", from, e.value, e.key, to, verb, e.next, why)
	case wr:
		return fmt.Sprintf("%s read the %d of key %d that %s had written, so it came after %[4]s", a.name(e.to), e.value, e.key, a.short(e.from))
	case rw:
		return fmt.Sprintf("%s read %s of key %d, which lacks the %d that %s %s, so it came before %[5]s%[7]s", from, a.readOf(e), e.key, e.next, to, verb, why)
	case process:
		return fmt.Sprintf("%s was the next transaction of the client of %s", a.name(e.to), a.short(e.from))
	}
	return fmt.Sprintf("%s had been acknowledged %v before %s began", from, a.between(e.from, e.to), to)
}

// between returns how long after the end of one transaction another began.
func (a *analysis) between(ended, began int32) time.Duration {
	return (a.txns[began].From - a.txns[ended].To).Round(time.Microsecond)
}

// laterThan says that the second transaction of an edge had ended before the first began,
// unless another edge of the cycle says so.
func (a *analysis) laterThan(e edge, c cycle) string {
	says := func(o edge) bool { return o.kind == realtime && o.from == e.to && o.to == e.from }
	if a.txns[e.to].end() >= a.txns[e.from].From || slices.ContainsFunc(c, says) {
		return ""
	}
	return fmt.Sprintf("; but %s had been acknowledged %v before %s began", a.short(e.to), a.between(e.to, e.from), a.short(e.from))
}

// readOf returns what the reader of an edge had read.
func (a *analysis) readOf(e edge) string {
	for _, op := range a.txns[e.from].Ops {
		if op.Kind == Read && op.Key == e.key {
			return show(op.Read)
		}
	}
	return "nothing"
}

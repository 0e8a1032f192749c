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
	for _, e := range c {
		f.Txns = append(f.Txns, int(e.from))
		f.Steps = append(f.Steps, a.explain(e))
		if t := &a.txns[e.from]; t.Outcome == OK {
			f.At = max(f.At, t.To)
		}
	}
	a.count[anomaly]++
	a.found = append(a.found, f)
}

// explain says in a sentence why one transaction came before another.
func (a *analysis) explain(e edge) string {
	from, to := a.name(e.from), a.name(e.to)
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
		return fmt.Sprintf("%s read the %d of key %d that %s had written", to, e.value, e.key, from)
	case rw:
		return fmt.Sprintf("%s read %s of key %d, without the %d that %s %s, so it came before %s%s", from, a.readOf(e), e.key, e.next, to, verb, to, why)
	case process:
		return fmt.Sprintf("%s was the next transaction of the client of %s", to, from)
	}
	return fmt.Sprintf("%s had been acknowledged %v before %s began", from, (a.txns[e.to].From - a.txns[e.from].To).Round(time.Microsecond), to)
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

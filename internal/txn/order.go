package txn

import (
	"cmp"
	"slices"
	"time"
)

// sessionEdges returns an edge from each committed transaction of a process to its next one.
func sessionEdges(txns []Txn, committed []bool) (edges []edge) {
	latest := map[int]int32{}
	for _, i := range byBeginning(txns) {
		if !committed[i] {
			continue
		}
		if before, ok := latest[txns[i].Process]; ok && txns[before].end() <= txns[i].From {
			edges = append(edges, edge{from: before, to: i, kind: process})
		}
		latest[txns[i].Process] = i
	}
	return edges
}

// realtimeEdges returns edges whose paths lead from each transaction to all that began after
// it had ended. There are few: what follows from two others is left out.
func realtimeEdges(txns []Txn, among []int32) (edges []edge) {
	type event struct {
		at   time.Duration
		ends bool
		txn  int32
	}
	events := make([]event, 0, 2*len(among))
	for _, i := range among {
		events = append(events, event{txns[i].From, false, i})
		if txns[i].end() != never {
			events = append(events, event{txns[i].end(), true, i})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		return order(a.ends, b.ends) // at the same moment the one that begins is concurrent
	})
	var ended []int32 // no other transaction began after these had ended and has itself ended
	for _, e := range events {
		if !e.ends {
			for _, before := range ended {
				edges = append(edges, edge{from: before, to: e.txn, kind: realtime})
			}
			continue
		}
		ended = slices.DeleteFunc(ended, func(before int32) bool { return txns[before].end() < txns[e.txn].From })
		ended = append(ended, e.txn)
	}
	return edges
}

// order sorts false before true.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// byBeginning returns the numbers of the transactions in the order in which they began.
func byBeginning(txns []Txn) []int32 {
	all := make([]int32, len(txns))
	for i := range all {
		all[i] = int32(i)
	}
	slices.SortStableFunc(all, func(a, b int32) int { return cmp.Compare(txns[a].From, txns[b].From) })
	return all
}
